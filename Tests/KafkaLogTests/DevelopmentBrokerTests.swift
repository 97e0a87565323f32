import KafkaLog
import Testing

@Suite(.serialized) struct DevelopmentBrokerTests {
    @Test func markersTellBrokersApart() throws {
        var markers: Set<String> = []
        for _ in 0..<2 {
            let broker = try DevelopmentBroker()
            let topics = try broker.consumer().metadata(timeoutMilliseconds: 5000).map(\.name)
            markers.insert(try #require(DevelopmentBroker.incarnationMarker(in: topics)))
            broker.close()
            broker.close()
            #expect { try broker.createTopic("t", partitions: 1) } throws: { ($0 as? KafkaError)?.code == .closed }
        }
        #expect(markers.count == 2)
    }

    @Test(
        arguments: [
            ([], nil),
            (["orders", "__consumer_offsets"], nil),
            (["__strandline-dev-broker-"], nil),
            (["__strandline-dev-broker-0123456789ABCDEF"], nil),
            (["orders", "__strandline-dev-broker-0123456789abcdef"], "__strandline-dev-broker-0123456789abcdef"),
        ] as [([String], String?)]
    )
    func onlyAWholeMarkerCounts(topics: [String], marker: String?) {
        #expect(DevelopmentBroker.incarnationMarker(in: topics) == marker)
    }

    @Test func readingGoesOnAfterABrokerWasAway() throws {
        let broker = try DevelopmentBroker()
        try broker.createTopic("t", partitions: 1)
        try broker.fill("t", ["x"])
        let consumer = try broker.consumer(KafkaSetting("reconnect.backoff.max.ms", "200"))
        try consumer.assign([TopicPartitionOffset(topic: "t", partition: 0, offset: 0)])
        #expect(try consumer.read(1).count == 1)
        try broker.setBroker(1, isUp: false)
        var errors: [KafkaError] = []
        try wait(for: "the loss of the broker") {
            _ = try consumer.consumeBatch(maxCount: 10, timeoutMilliseconds: 50)
            errors += consumer.takeErrors()
            return errors.contains { $0.code == .transport || $0.code == .allBrokersDown }
        }
        try broker.setBroker(1, isUp: true)
        try broker.fill("t", ["y"])
        #expect(try consumer.read(1).map(\.value) == ["y"])
    }

    @Test func badArgumentsAreErrors() throws {
        let broker = try DevelopmentBroker(brokers: 2)
        #expect(broker.bootstrapServers.contains(","))
        try broker.createTopic("t", partitions: 1)
        #expect(throws: KafkaError.self) { try broker.createTopic("t", partitions: 1) }
        try broker.setRoundTrip(ofBroker: 1, milliseconds: 1)
    }
}
