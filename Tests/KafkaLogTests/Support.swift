import KafkaLog
import Testing

/// A record as a test compares it: copied out of its batch.
struct Record: Equatable {
    var topic: Int
    var partition: Int32
    var offset: Int64
    var key: String?
    var value: String?
    var timestamp: Int64
}

extension Record {
    init(_ message: Message) {
        self.init(
            topic: message.topicIndex,
            partition: message.partition,
            offset: message.offset,
            key: message.key.map { String(decoding: $0, as: UTF8.self) },
            value: message.value.map { String(decoding: $0, as: UTF8.self) },
            timestamp: message.timestampMilliseconds
        )
    }
}

struct TookTooLong: Error { let what: String }

/// Runs `body` until it says true, for at most the given time.
func wait(for what: String, seconds: Int = 20, until body: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try body() { return }
    }
    throw TookTooLong(what: what)
}

extension DevelopmentBroker {
    /// Writes the records and waits until the broker has them.
    func fill(_ topic: String, partition: Int32 = 0, _ values: [String], compression: String = "none") throws {
        let producer = try KafkaProducer(
            KafkaSettings([
                KafkaSetting("bootstrap.servers", bootstrapServers), KafkaSetting("compression.codec", compression),
                KafkaSetting("linger.ms", "20"),
            ])
        )
        for (index, value) in values.enumerated() {
            try producer.produce(
                topic: topic,
                partition: partition,
                key: [UInt8]("k\(index)".utf8),
                value: [UInt8](value.utf8),
                timestampMilliseconds: Int64(1_000_000 + index),
                token: UInt64(index)
            )
        }
        try producer.flush(timeoutMilliseconds: 10_000)
        let reports = try producer.poll(timeoutMilliseconds: 0)
        #expect(reports.count == values.count)
        #expect(reports.allSatisfy { $0.error == nil })
        #expect(producer.outstanding == 0)
    }

    func consumer(_ more: KafkaSetting...) throws -> KafkaConsumer {
        try KafkaConsumer(KafkaSettings([KafkaSetting("bootstrap.servers", bootstrapServers)] + more))
    }
}

extension KafkaConsumer {
    /// Reads until that many records are there; an error among them fails the test.
    func read(_ count: Int, maxCount: Int = 1000) throws -> [Record] {
        var records: [Record] = []
        try wait(for: "\(count) records") {
            let batch = try consumeBatch(maxCount: maxCount, timeoutMilliseconds: 100)
            for index in 0..<batch.count {
                if let error = batch.error(at: index) { throw error }
                records.append(Record(batch[index]))
            }
            return records.count >= count
        }
        return records
    }

    /// Reads until an error takes a record's place.
    func readError() throws -> (error: KafkaError, partition: Int32) {
        var found: (KafkaError, Int32)?
        try wait(for: "an error") {
            let batch = try consumeBatch(maxCount: 100, timeoutMilliseconds: 100)
            for index in 0..<batch.count where batch[index].errorCode != 0 {
                found = batch.error(at: index).map { ($0, batch[index].partition) }
            }
            return found != nil
        }
        return try #require(found)
    }
}
