import CRdKafka

/// A topic as the brokers describe it.
public struct TopicMetadata: Hashable, Sendable {
    public let name: String
    /// Partition numbers, ascending.
    public let partitions: [Int32]
    /// Why the topic cannot be described, for example because it does not exist.
    public let error: KafkaError?
}

// Every method here asks a broker and waits for the answer, up to its timeout.
extension KafkaConsumer {
    /// The cluster's id; nil when no broker answered in time. A ``DevelopmentBroker`` is told apart from its
    /// predecessor by its marker topic only.
    public func clusterID(timeoutMilliseconds: Int) throws(KafkaError) -> String? {
        let client = try handle().client
        guard let text = rd_kafka_clusterid(client.pointer, milliseconds(timeoutMilliseconds)) else { return nil }
        defer { rd_kafka_mem_free(client.pointer, text) }
        return String(cString: text)
    }

    /// All topics, or one. A broker that makes topics on mention (a ``DevelopmentBroker`` does) makes the one that is
    /// asked for by name; ask for all to look without touching.
    public func metadata(topic name: String? = nil, timeoutMilliseconds: Int) throws(KafkaError) -> [TopicMetadata] {
        let handle = try handle()
        let topic = if let name { try handle.topic(named: name).pointer } else { OpaquePointer?.none }
        var result: UnsafePointer<rd_kafka_metadata>?
        try check(
            rd_kafka_metadata(
                handle.client.pointer,
                name == nil ? 1 : 0,
                topic,
                &result,
                milliseconds(timeoutMilliseconds)
            )
        )
        guard let result else { return [] }
        defer { rd_kafka_metadata_destroy(result) }
        let topics = UnsafeBufferPointer(start: result.pointee.topics, count: Int(result.pointee.topic_cnt))
        return topics.map { topic in
            let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
            return TopicMetadata(
                name: String(cString: topic.topic),
                partitions: partitions.map(\.id).sorted(),
                error: topic.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(topic.err)
            )
        }
    }

    /// The oldest offset of the partition, and the one behind its newest record.
    public func watermarkOffsets(
        topic: String,
        partition: Int32,
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        var low: Int64 = 0
        var high: Int64 = 0
        let timeout = milliseconds(timeoutMilliseconds)
        let client = try handle().client
        try check(rd_kafka_query_watermark_offsets(client.pointer, topic, partition, &low, &high, timeout))
        return (low, high)
    }

    /// For each partition the first offset whose record's time is not below the given one, milliseconds since the Unix
    /// epoch; ``TopicPartitionOffset/end`` when there is none.
    public func offsets(
        forTimestampMilliseconds timestamp: Int64,
        topic: String,
        partitions: [Int32],
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> [TopicPartitionOffset] {
        let client = try handle().client
        // The call takes the time where the offset stands afterwards.
        let places = partitions.map { TopicPartitionOffset(topic: topic, partition: $0, offset: timestamp) }
        let list = PartitionList(places)
        try check(rd_kafka_offsets_for_times(client.pointer, list.pointer, milliseconds(timeoutMilliseconds)))
        return try list.read()
    }

    /// The offset behind the newest record as of the last fetch from the partition, without asking a broker; nil before
    /// the first. Lag is this less the next offset to read.
    public func highWatermark(topic: String, partition: Int32) throws(KafkaError) -> Int64? {
        var low: Int64 = 0
        var high: Int64 = 0
        let client = try handle().client
        let code = rd_kafka_get_watermark_offsets(client.pointer, topic, partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }
}
