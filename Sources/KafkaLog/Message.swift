/// One record, or one error that took a record's place. Its bytes belong to the ``MessageBatch`` that it came from and
/// are valid as long as that lives.
@frozen
public struct Message {
    /// What a record's time means.
    @frozen
    public enum TimestampKind: UInt8, Sendable {
        case none
        /// Set by the producer.
        case create
        /// Set by the broker when it appended the record.
        case logAppend
    }

    /// The index of the topic among the topics of the assignment, in the order of first mention; -1 for an error that
    /// is not about a topic.
    public let topicIndex: Int
    public let partition: Int32
    public let offset: Int64
    /// Milliseconds since the Unix epoch; -1 when the record has none.
    public let timestampMilliseconds: Int64
    public let timestampKind: TimestampKind
    /// nil when the record has no key, which is not the empty key.
    public let key: UnsafeRawBufferPointer?
    /// nil for a tombstone, which is not the empty value.
    public let value: UnsafeRawBufferPointer?
    /// A raw ``KafkaError/Code``; 0 for a record. Otherwise the rest but topic, partition and offset is empty.
    public let errorCode: Int32
}
