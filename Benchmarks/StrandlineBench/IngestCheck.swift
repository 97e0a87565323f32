// Compares features with a plain count over the topic. Shares no code with the store: it finds numbers in the records'
// text by their field names, and adds cents.

import CRdKafka
import FeatureHistory
import FeatureModel
import Glibc
import Windowing

struct IngestCheck {
    let bootstrap: String
    let topic: String
    let extent: TopicExtent

    /// What a plain count found for one entity and window.
    private struct Plain {
        var count: Int64 = 0
        var cents: Int64 = 0
        var mostCents: Int64 = 0
    }

    private static let sampleCount = 20

    /// - Returns: how many entities were compared.
    func run(_ store: FeatureStore) throws -> Int {
        let asOf = store.newestCommit
        let lengths = BenchDefinition.windows.compactMap { TimeWindow.microseconds(in: $0) }
        var entities: [Int64: [Plain]] = [:]
        let consumer = try RawConsumer(bootstrap, [])
        defer { consumer.close() }
        _ = try consumer.consume(topic, extent, batchMax: 16_384) { messages in
            for message in messages {
                guard let message = message?.pointee, message.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.len)
                guard let user = Self.number(after: "\"user_id\":", in: bytes) else {
                    throw BenchError("a record has no user_id")
                }
                // The entities of the first records: frequent ones among them, and rare ones.
                guard entities[user] != nil || entities.count < Self.sampleCount else { continue }
                var windows = entities[user] ?? lengths.map { _ in Plain() }
                guard let time = Self.number(after: "\"ts\":", in: bytes),
                    let cents = Self.number(after: "\"amount\":", in: bytes)
                else { throw BenchError("a record lacks a field") }
                for (index, length) in lengths.enumerated()
                where time < asOf.microseconds && time >= asOf.microseconds - length {
                    windows[index].count += 1
                    windows[index].cents += cents
                    windows[index].mostCents = max(windows[index].mostCents, cents)
                }
                entities[user] = windows
            }
        }
        for (user, windows) in entities { try compare(user, windows, store, asOf) }
        return entities.count
    }

    private func compare(_ user: Int64, _ windows: [Plain], _ store: FeatureStore, _ asOf: Instant) throws {
        let plan = try LookupPlan(BenchDefinition.references, in: store.catalog)
        let scratch = ReadScratch()
        let point = ReadPoint(asOf: asOf, knownAt: store.newestCommit)
        guard let key = EntityKey.encode([.int64(user)]) else { throw BenchError("no key for \(user)") }
        try key.withUnsafeBytes { try store.read(plan, key: $0, at: point, scratch) }
        let values = plan.features.enumerated().map { scratch.cells.value($0.offset, type: $0.element.type) }
        for (index, plain) in windows.enumerated() {
            let found = Array(values[(index * 4)..<(index * 4 + 4)])
            let sum = Double(plain.cents) / 100
            let expected = [Double(plain.count), sum, sum / Double(plain.count), Double(plain.mostCents) / 100]
            let isSame = zip(found, expected).allSatisfy { found, expected in
                switch found {
                case .int64(let value): Double(value) == expected
                // Cents are exact here; the store's doubles are each the nearest to theirs.
                case .float64(let value): abs(value - expected) <= 1e-9 * max(1, abs(expected))
                default: plain.count == 0
                }
            }
            guard isSame else {
                throw BenchError(
                    "user \(user), window \(BenchDefinition.windows[index]): the store says \(found), a plain count \(expected)"
                )
            }
        }
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
