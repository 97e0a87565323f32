import CRdKafka

/// A place in a partition of a topic.
public struct TopicPartitionOffset: Hashable, Sendable {
    public var topic: String
    public var partition: Int32
    /// The next record to read; or ``beginning`` or ``end``, which are found when reading starts.
    public var offset: Int64

    /// The oldest record that the log has.
    public static let beginning: Int64 = -2
    /// Behind the newest record.
    public static let end: Int64 = -1

    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// A `rd_kafka_topic_partition_list_t` and its free.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ places: [TopicPartitionOffset]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: places.count))
        for place in places {
            rd_kafka_topic_partition_list_add(pointer, place.topic, place.partition).pointee.offset = place.offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// The places with what the last call wrote into the list. Throws the first error that it wrote.
    func read() throws(KafkaError) -> [TopicPartitionOffset] {
        var places: [TopicPartitionOffset] = []
        for index in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[index]
            try check(element.err)
            let topic = String(cString: element.topic)
            places.append(TopicPartitionOffset(topic: topic, partition: element.partition, offset: element.offset))
        }
        return places
    }
}
