import CRdKafka

/// Records as one read returned them, in the order of the log for each partition. Owns their bytes: they are freed with
/// the batch, all at once. Keeps its consumer's client alive.
///
/// `@unchecked Sendable`: librdkafka does not touch messages that it gave out, and all here but `headers(at:)` only
/// reads them; that one is mutating, so the compiler grants it alone.
public struct MessageBatch: ~Copyable, @unchecked Sendable {
    public let count: Int
    private let consumer: ConsumerHandle
    private let slots: MessageSlots
    /// The topics of the assignment by their C addresses; few, so a search beats a table.
    private let topics: [TopicAddress]

    /// Takes over the first `count` messages in `slots`, and `slots`.
    init(_ slots: MessageSlots, count: Int, topics: [TopicAddress], consumer: ConsumerHandle) {
        self.slots = slots
        self.count = count
        self.topics = topics
        self.consumer = consumer
    }

    deinit {
        for index in 0..<count { rd_kafka_message_destroy(slots.pointers[index]) }
        consumer.giveBack(slots)
    }

    public var isEmpty: Bool { count == 0 }

    /// The record at `index`. Its bytes are valid as long as the batch.
    public subscript(index: Int) -> Message {
        let pointer = pointer(at: index)
        let message = pointer.pointee
        let isRecord = message.err == RD_KAFKA_RESP_ERR_NO_ERROR
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = isRecord ? rd_kafka_message_timestamp(pointer, &kind) : -1
        return Message(
            topicIndex: topicIndex(of: message.rkt),
            partition: message.partition,
            offset: message.offset,
            timestampMilliseconds: timestamp,
            timestampKind: Message.TimestampKind(kind),
            key: isRecord ? bytes(message.key, message.key_len) : nil,
            // In an error the payload is its text.
            value: isRecord ? bytes(message.payload, message.len) : nil,
            errorCode: message.err.rawValue
        )
    }

    /// The headers of the record at `index` in their order, copied; names may repeat, values may be missing. Mutating
    /// because librdkafka parses them within the message when first asked.
    public mutating func headers(at index: Int) -> [(name: String, value: [UInt8]?)] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(pointer(at: index), &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
            return []
        }
        var headers: [(name: String, value: [UInt8]?)] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var byteCount = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &byteCount) == RD_KAFKA_RESP_ERR_NO_ERROR {
            let copy = bytes(value, byteCount).map { [UInt8]($0) }
            headers.append((name.map { String(cString: $0) } ?? "", copy))
        }
        return headers
    }

    /// What the error at `index` says; nil for a record.
    public func errorText(at index: Int) -> String? {
        let message = pointer(at: index)
        guard message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return rd_kafka_message_errstr(message).map { String(cString: $0) }
    }

    /// The error at `index`; nil for a record.
    public func error(at index: Int) -> KafkaError? {
        errorText(at: index).map { text in
            KafkaError(code: KafkaError.Code(pointer(at: index).pointee.err), message: text)
        }
    }

    private func pointer(at index: Int) -> UnsafeMutablePointer<rd_kafka_message_t> {
        precondition(index >= 0 && index < count, "no message at that index")
        // The read filled the first `count` slots.
        guard let pointer = slots.pointers[index] else { preconditionFailure("an empty slot within the count") }
        return pointer
    }

    private func topicIndex(of topic: OpaquePointer?) -> Int {
        guard let topic else { return -1 }
        return topics.firstIndex { $0.pointer == topic } ?? -1
    }

    private func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> UnsafeRawBufferPointer? {
        start.map { UnsafeRawBufferPointer(start: $0, count: count) }
    }
}

extension Message.TimestampKind {
    fileprivate init(_ kind: rd_kafka_timestamp_type_t) {
        self =
            switch kind {
            case RD_KAFKA_TIMESTAMP_CREATE_TIME: .create
            case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: .logAppend
            default: .none
            }
    }
}
