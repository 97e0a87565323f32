import KafkaLog
import Testing

@Suite(.serialized) struct ConsumerTests {
    let broker: DevelopmentBroker

    init() throws {
        broker = try DevelopmentBroker()
        try broker.createTopic("one", partitions: 2)
        try broker.createTopic("two", partitions: 1)
    }

    @Test func readsWhatWasWrittenFromTheAssignedOffsets() throws {
        try broker.fill("one", (0..<500).map { "a\($0)" }, compression: "lz4")
        try broker.fill("one", partition: 1, (0..<10).map { "b\($0)" })
        try broker.fill("two", (0..<20).map { "c\($0)" })
        let consumer = try broker.consumer()
        try consumer.assign([
            TopicPartitionOffset(topic: "one", partition: 0, offset: 100),
            TopicPartitionOffset(topic: "one", partition: 1, offset: TopicPartitionOffset.beginning),
            TopicPartitionOffset(topic: "two", partition: 0, offset: 19),
        ])
        let records = try consumer.read(400 + 10 + 1, maxCount: 64)
        func of(_ topic: Int, _ partition: Int32) -> [Record] {
            records.filter { $0.topic == topic && $0.partition == partition }
        }
        func expected(_ topic: Int, _ partition: Int32, _ name: String, _ offsets: Range<Int>) -> [Record] {
            offsets.map {
                Record(
                    topic: topic,
                    partition: partition,
                    offset: Int64($0),
                    key: "k\($0)",
                    value: "\(name)\($0)",
                    timestamp: Int64(1_000_000 + $0)
                )
            }
        }
        #expect(of(0, 0) == expected(0, 0, "a", 100..<500))
        #expect(of(0, 1) == expected(0, 1, "b", 0..<10))
        #expect(of(1, 0) == expected(1, 0, "c", 19..<20))
        #expect(records.count == 411)
        #expect(try consumer.highWatermark(topic: "one", partition: 0) == 500)
    }

    @Test func aNewAssignmentReplacesTheOldOne() throws {
        try broker.fill("one", (0..<50).map { "a\($0)" })
        try broker.fill("two", (0..<5).map { "c\($0)" })
        let consumer = try broker.consumer()
        try consumer.assign([TopicPartitionOffset(topic: "one", partition: 0, offset: 0)])
        #expect(try consumer.read(50).count == 50)
        for start in [3, 0, 4] as [Int64] {
            try consumer.assign([TopicPartitionOffset(topic: "two", partition: 0, offset: start)])
            let records = try consumer.read(5 - Int(start))
            #expect(records.map(\.offset) == Array(start..<5))
            #expect(records.allSatisfy { $0.topic == 0 }, "indices count within the newest assignment")
        }
    }

    @Test func offsetOutsideTheLogIsAnErrorAndNoReset() throws {
        try broker.fill("one", ["x", "y"])
        let consumer = try broker.consumer()
        try consumer.assign([TopicPartitionOffset(topic: "one", partition: 0, offset: 1000)])
        let (error, partition) = try consumer.readError()
        #expect(error.code == .offsetReset)
        #expect(error.name == "_AUTO_OFFSET_RESET")
        #expect(partition == 0)
        #expect(!error.isRetriable)
        let after = try consumer.consumeBatch(maxCount: 10, timeoutMilliseconds: 300)
        for index in 0..<after.count { #expect(after[index].errorCode != 0, "no record may follow") }
    }

    @Test func keysValuesAndHeadersKeepTheDifferenceOfEmptyAndMissing() throws {
        let producer = try KafkaProducer(KafkaSettings(bootstrapServers: broker.bootstrapServers))
        let headers: [(name: String, value: [UInt8]?)] = [("h", [1, 2]), ("h", []), ("none", nil), ("Übung", [0])]
        try producer.produce(topic: "two", partition: 0, key: nil, value: nil, headers: headers)
        try producer.produce(topic: "two", partition: 0, key: [], value: [])
        try producer.flush(timeoutMilliseconds: 10_000)

        let consumer = try broker.consumer()
        try consumer.assign([TopicPartitionOffset(topic: "two", partition: 0, offset: 0)])
        var seen = 0
        try wait(for: "two records") {
            var batch = try consumer.consumeBatch(maxCount: 10, timeoutMilliseconds: 100)
            for index in 0..<batch.count {
                let message = batch[index]
                #expect(message.errorCode == 0)
                #expect(batch.errorText(at: index) == nil)
                #expect(message.timestampKind == .create)
                #expect((message.key == nil) == (message.offset == 0))
                #expect((message.value == nil) == (message.offset == 0))
                let read = batch.headers(at: index)
                if message.offset == 0 {
                    #expect(read.map(\.name) == headers.map(\.name))
                    #expect(read.map(\.value) == headers.map(\.value))
                } else {
                    #expect(read.isEmpty)
                    #expect(message.value?.isEmpty == true)
                }
                seen += 1
            }
            return seen == 2
        }
    }

    @Test func asksTheBrokerAboutItsTopics() throws {
        try broker.fill("one", partition: 1, ["x", "y", "z"])
        let consumer = try broker.consumer()
        let topics = try consumer.metadata(timeoutMilliseconds: 5000)
        #expect(topics.first { $0.name == "one" }?.partitions == [0, 1])
        #expect(topics.allSatisfy { $0.error == nil })
        #expect(DevelopmentBroker.incarnationMarker(in: topics.map(\.name)) == broker.marker)
        #expect(try consumer.metadata(topic: "two", timeoutMilliseconds: 5000).map(\.partitions) == [[0]])
        let offsets = try consumer.watermarkOffsets(topic: "one", partition: 1, timeoutMilliseconds: 5000)
        #expect(offsets == (0, 3))
        #expect(try consumer.clusterID(timeoutMilliseconds: 5000)?.isEmpty == false)
        let places = try consumer.offsets(
            forTimestampMilliseconds: 0,
            topic: "one",
            partitions: [0, 1],
            timeoutMilliseconds: 5000
        )
        #expect(places.map(\.partition) == [0, 1])
    }

    @Test func endOfPartitionIsToldWhenAskedFor() throws {
        try broker.fill("two", ["x"])
        let consumer = try broker.consumer(KafkaSetting("enable.partition.eof", "true"))
        try consumer.assign([TopicPartitionOffset(topic: "two", partition: 0, offset: 0)])
        let (error, _) = try consumer.readError()
        #expect(error.code == .partitionEnd)
    }

    @Test func committingForLagToolsNeitherBlocksNorFails() throws {
        let consumer = try broker.consumer()
        try consumer.assign([TopicPartitionOffset(topic: "two", partition: 0, offset: 0)])
        consumer.commitForLagTools([TopicPartitionOffset(topic: "two", partition: 0, offset: 0)])
        _ = try consumer.consumeBatch(maxCount: 10, timeoutMilliseconds: 200)
        #expect(consumer.takeErrors().isEmpty)
    }

    @Test func batchesOutliveTheirConsumer() throws {
        try broker.fill("two", ["x", "y"])
        let consumer = try broker.consumer()
        try consumer.assign([TopicPartitionOffset(topic: "two", partition: 0, offset: 0)])
        var values: [String] = []
        try wait(for: "two records") {
            let batch = try consumer.consumeBatch(maxCount: 1, timeoutMilliseconds: 100)
            if values.count == 1 { consumer.close() }
            for index in 0..<batch.count { values.append(Record(batch[index]).value ?? "") }
            return values.count == 2
        }
        #expect(values == ["x", "y"])
        #expect { _ = try consumer.consumeBatch(maxCount: 1, timeoutMilliseconds: 0) } throws: {
            ($0 as? KafkaError)?.code == .closed
        }
        consumer.close()
    }
}
