// A topic's records as three plain arrays, read from their text without the store's decoder.

import CRdKafka
import Glibc

struct PlainTopic {
    private(set) var users: [Int64]
    private(set) var times: [Int64]
    private(set) var cents: [Int64]

    var count: Int { users.count }

    /// Reads the whole topic. Records stand by partition and offset: the same topic gives the same arrays.
    init(_ bootstrap: String, _ topic: String, _ extent: TopicExtent) throws {
        users = [Int64](repeating: -1, count: extent.records)
        times = users
        cents = users
        var starts: [Int32: Int] = [:]
        var start = 0
        for (partition, low, high) in extent.partitions {
            starts[partition] = start - Int(low)
            start += Int(high - low)
        }
        let consumer = try RawConsumer(bootstrap, [])
        defer { consumer.close() }
        _ = try consumer.consume(topic, extent, batchMax: 16_384) { messages in
            for message in messages {
                guard let message = message?.pointee, message.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.len)
                guard let user = Self.number(after: "\"user_id\":", in: bytes),
                    let time = Self.number(after: "\"ts\":", in: bytes),
                    // Amounts have two decimals: without the point they are cents.
                    let amount = Self.number(after: "\"amount\":", in: bytes), let start = starts[message.partition]
                else { throw BenchError("a record lacks a field") }
                let place = start + Int(message.offset)
                (users[place], times[place], cents[place]) = (user, time, amount)
            }
        }
        guard !users.contains(-1) else { throw BenchError("the topic has gaps") }
    }

    /// The whole number after `name`, a decimal point in it skipped; nil when `name` does not occur.
    private static func number(after name: StaticString, in bytes: UnsafeRawBufferPointer) -> Int64? {
        let length = name.utf8CodeUnitCount
        var index = 0
        while index + length <= bytes.count {
            if bytes[index] == name.utf8Start.pointee,
                memcmp(bytes.baseAddress.unsafelyUnwrapped + index, name.utf8Start, length) == 0
            {
                break
            }
            index += 1
        }
        guard index + length <= bytes.count else { return nil }
        index += length
        var value: Int64 = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte >= 48, byte <= 57 { value = value * 10 + Int64(byte - 48) } else if byte != 46 { break }
            index += 1
        }
        return value
    }
}
