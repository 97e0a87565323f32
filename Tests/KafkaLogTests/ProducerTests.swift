import KafkaLog
import Testing

@Suite(.serialized) struct ProducerTests {
    static func unreachable(_ more: KafkaSetting...) throws -> KafkaProducer {
        try KafkaProducer(KafkaSettings([KafkaSetting("bootstrap.servers", "127.0.0.1:1")] + more))
    }

    @Test func unreachableBrokersAreReportedAndDoNotBlock() throws {
        let producer = try Self.unreachable(KafkaSetting("message.timeout.ms", "200"))
        let start = ContinuousClock.now
        try producer.produce(topic: "t", key: nil, value: [1], token: 77)
        #expect(ContinuousClock.now - start < .milliseconds(500))
        #expect(producer.outstanding >= 1)
        var reports: [DeliveryReport] = []
        try wait(for: "a report") {
            reports += try producer.poll(timeoutMilliseconds: 50)
            return !reports.isEmpty
        }
        #expect(reports.map(\.token) == [77])
        #expect(reports.first?.error?.code == .messageTimedOut)
        try wait(for: "an empty producer") {
            _ = try producer.poll(timeoutMilliseconds: 10)
            return producer.outstanding == 0
        }
    }

    @Test func reachTellsWhetherABrokerIsThere() throws {
        let nowhere = try Self.unreachable()
        #expect(throws: KafkaError.self) { try nowhere.reach(timeoutMilliseconds: 200) }
        _ = try nowhere.poll(timeoutMilliseconds: 0)
        #expect(nowhere.takeErrors().contains { $0.code == .transport && $0.message.contains("Connection refused") })
        let broker = try DevelopmentBroker()
        try KafkaProducer(KafkaSettings(bootstrapServers: broker.bootstrapServers)).reach(timeoutMilliseconds: 5000)
    }

    @Test func fullQueueIsRetriable() throws {
        let producer = try Self.unreachable(KafkaSetting("queue.buffering.max.messages", "3"))
        for token in 0..<3 { try producer.produce(topic: "t", key: nil, value: [1], token: UInt64(token)) }
        #expect { try producer.produce(topic: "t", key: nil, value: [1], headers: [("h", [1])]) } throws: {
            guard let error = $0 as? KafkaError else { return false }
            return error.code == .queueFull && error.isRetriable && !error.isFatal
        }
        #expect { try producer.flush(timeoutMilliseconds: 50) } throws: { ($0 as? KafkaError)?.code == .timedOut }
        let start = ContinuousClock.now
        producer.close()
        #expect(ContinuousClock.now - start < .seconds(5), "closing does not wait for brokers")
        #expect { try producer.produce(topic: "t", key: nil, value: nil) } throws: {
            ($0 as? KafkaError)?.code == .closed
        }
    }

    @Test func reportsNameTokenAndPlace() throws {
        let broker = try DevelopmentBroker()
        try broker.createTopic("t", partitions: 1)
        let producer = try KafkaProducer(KafkaSettings(bootstrapServers: broker.bootstrapServers))
        for token in 0..<10 { try producer.produce(topic: "t", key: nil, value: [1], token: .max - UInt64(token)) }
        try producer.flush(timeoutMilliseconds: 10_000)
        let reports = try producer.poll(timeoutMilliseconds: 0)
        #expect(reports.map(\.token) == (0..<10).map { .max - UInt64($0) })
        #expect(reports.map(\.offset) == Array(0..<10))
        #expect(reports.allSatisfy { $0.partition == 0 && $0.error == nil })
    }
}
