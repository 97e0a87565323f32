// Fills a topic of a development broker, which keeps 5 MiB a partition.
//
//   records in order of time:  |-- run 0 --|-- run 1 --|-- run 2 --| ... |-- run N --| ...
//   partition:                       0           1           2                 0
//
// A run is one batch of the producer. Kafka would choose the partition by the key, so that an entity's records stay in
// order; under zipf that puts 8 % of all records into one partition, which does not fit here. Runs keep what matters:
// partitions are equally full, and a reader, who fetches a batch of each partition in turn, meets an entity's records
// (nearly) in the order of time.

import Glibc
import KafkaLog

struct TopicFilling {
    let topic: String
    /// nil lets the key decide, with whatever partitions the topic has.
    let partitions: Int?
    /// Records of a producer's batch.
    let runLength: Int
    /// Records a second, each with its send as event time; nil sends as fast as it goes.
    var rate: Double?

    /// A batch above 2.4 MB may vanish in the development broker.
    static let batchBytesMax = 2_200_000
    /// Below the broker's 5 MiB, with room for what Kafka adds to a record.
    static let partitionBytesMax = 4 << 20
    /// What Kafka adds to a record here: lengths, offset and time differences, the key.
    static let recordOverheadBytes = 18

    struct Result {
        var records = 0
        var bytes = 0
        var seconds = 0.0
        /// The farthest that a paced record was sent behind its time. Nanoseconds.
        var behindMax: Int64 = 0
    }

    static func checkFits(records: Int, recordBytes: Int, partitions: Int) throws {
        let each = (records + partitions - 1) / partitions * (recordBytes + recordOverheadBytes)
        guard each > partitionBytesMax else { return }
        let needed = (records * (recordBytes + recordOverheadBytes) + partitionBytesMax - 1) / partitionBytesMax + 1
        throw BenchError(
            "\(records) records of \(recordBytes) bytes are \(each) bytes a partition; the development broker may get \(partitionBytesMax). Take --partitions \(needed) or more, or fewer records"
        )
    }

    func fill(_ bootstrap: String, _ generator: RecordGenerator, _ range: Range<Int>) throws -> Result {
        let producer = try KafkaProducer(settings(bootstrap))
        defer { producer.close() }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: generator.recordBytes + 64, alignment: 8)
        let keyBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 20, alignment: 8)
        defer {
            buffer.deallocate()
            keyBuffer.deallocate()
        }
        var result = Result()
        var began = Measure.nanoseconds()
        for number in range {
            if let rate {
                if number == range.lowerBound + 1 {
                    // A fresh producer needs a second to connect. Only the first record waits for that.
                    try deliver(producer)
                    began = Measure.nanoseconds()
                }
                let due = began + UInt64(Double(number - range.lowerBound) * 1e9 / rate)
                result.behindMax = max(result.behindMax, try wait(until: due, producer))
            }
            let time = rate == nil ? nil : Measure.wallMicroseconds()
            let (count, entity) = generator.write(number, to: buffer, time: time)
            var key = TextWriter(keyBuffer)
            key.append(UInt64(entity))
            let partition = partitions.map { Int32((number / runLength) % $0) }
            try send(
                producer,
                partition,
                UnsafeRawBufferPointer(rebasing: keyBuffer[..<key.count]),
                UnsafeRawBufferPointer(rebasing: buffer[..<count])
            )
            result.records += 1
            result.bytes += count
            if number % 4096 == 0 { try check(producer.poll(timeoutMilliseconds: 0)) }
        }
        result.seconds = Double(Measure.nanoseconds() - began) / 1e9
        try deliver(producer)
        return result
    }

    /// Waits until the broker has everything.
    private func deliver(_ producer: KafkaProducer) throws {
        while producer.outstanding > 0 {
            try? producer.flush(timeoutMilliseconds: 1000)
            try check(producer.poll(timeoutMilliseconds: 0))
        }
    }

    /// - Returns: how late it is already. Nanoseconds.
    private func wait(until due: UInt64, _ producer: KafkaProducer) throws -> Int64 {
        var now = Measure.nanoseconds()
        while now < due {
            try check(producer.poll(timeoutMilliseconds: 0))
            usleep(300)
            now = Measure.nanoseconds()
        }
        return Int64(now - due)
    }

    private func send(
        _ producer: KafkaProducer,
        _ partition: Int32?,
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) throws {
        while true {
            do throws(KafkaError) {
                return try producer.produce(topic: topic, partition: partition, key: key, value: value)
            } catch {
                guard error.isRetriable else { throw error }
                try check(producer.poll(timeoutMilliseconds: 20))
            }
        }
    }

    private func check(_ reports: [DeliveryReport]) throws {
        if let failed = reports.first(where: { $0.error != nil }), let error = failed.error { throw error }
    }

    private func settings(_ bootstrap: String) -> KafkaSettings {
        var settings = KafkaSettings(bootstrapServers: bootstrap)
        settings.entries += [
            KafkaSetting("linger.ms", rate == nil ? "50" : "1"),
            KafkaSetting("batch.num.messages", String(runLength)),
            KafkaSetting("batch.size", String(Self.batchBytesMax)),
            // The bytes that a reader fetches are then those of the records.
            KafkaSetting("compression.codec", "none"),
            KafkaSetting("queue.buffering.max.messages", "200000"),
            KafkaSetting("enable.idempotence", "true"),
        ]
        return settings
    }
}

/// The partitions of a topic with their first and next offsets.
struct TopicExtent {
    var partitions: [(partition: Int32, low: Int64, high: Int64)] = []

    var records: Int { Int(partitions.reduce(0) { $0 + $1.high - $1.low }) }

    init(_ topic: String, _ consumer: KafkaConsumer) throws {
        let found = try consumer.metadata(topic: topic, timeoutMilliseconds: 10_000).first { $0.name == topic }
        guard let found, found.error == nil, !found.partitions.isEmpty else {
            throw BenchError("the broker has no topic '\(topic)'")
        }
        for partition in found.partitions {
            let (low, high) = try consumer.watermarkOffsets(
                topic: topic,
                partition: partition,
                timeoutMilliseconds: 10_000
            )
            partitions.append((partition, low, high))
        }
    }

    func places(_ topic: String) -> [TopicPartitionOffset] {
        partitions.map { TopicPartitionOffset(topic: topic, partition: $0.partition, offset: $0.low) }
    }
}
