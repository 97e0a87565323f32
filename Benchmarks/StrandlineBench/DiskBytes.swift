// What events and entities take on disk: two stores, folded, compacted and closed, and their files counted.

import FeatureHistory
import FeatureModel
import Glibc
import Windowing

struct DiskBytes {
    let folder: String

    private static let day: Int64 = 86_400_000_000

    func measure() throws {
        let busy = try bytes("busy", entities: 10_000, eventsEach: 100)
        let cold = try bytes("cold", entities: 300_000, eventsEach: 2)
        printLine(["bytes_per_event": fixed(Double(busy) / 1_000_000, 1)])
        printLine(["bytes_per_cold_entity": fixed(Double(cold) / 300_000, 1)])
    }

    /// Two columns of doubles.
    private static var definition: FeatureStoreDefinition {
        let columns = ["a", "b"]
        let schema = [Field(name: "user_id", type: .int64)] + columns.map { Field(name: $0, type: .float64) }
        return FeatureStoreDefinition(
            project: "bench",
            entities: [Entity(name: "user", joinKeys: [Field(name: "user_id", type: .int64)])],
            sources: [
                Source(
                    name: "events",
                    topic: "events",
                    timestampField: "ts",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: schema
                )
            ],
            featureViews: [
                FeatureView(
                    name: "sums",
                    entity: "user",
                    source: "events",
                    aggregations: columns.map { Aggregation(function: .sum, column: $0, timeWindow: .lifetime) }
                )
            ]
        )
    }

    /// The size of a store of this many entities, their events spread over 30 days and 16 partitions.
    private func bytes(_ name: String, entities: Int, eventsEach: Int) throws -> Int {
        mkdir(folder, 0o755)
        let path = "\(folder)/\(name)"
        let store = try FeatureStore(directory: path, options: StoreOptions()) {
            Instant(microseconds: Measure.wallMicroseconds())
        }
        try store.apply(Self.definition, definitionHash: "bench", files: [])
        guard let history = store.catalog.histories.first else { throw BenchError("no history") }
        var random = SplitMix(state: 3)
        let total = entities * eventsEach
        let batchRows = 20_000
        var made = 0
        while made < total {
            let rows = min(batchRows, total - made)
            let batch = EventBatch(types: history.types, capacity: rows)
            _ = batch.appendRows(rows)
            for row in 0..<rows {
                let number = made + row
                batch.times[row] =
                    Int64(Double(number) / Double(total) * 30 * Double(Self.day)) + Int64(random.next() % 1_000_000)
                batch.streams[row] = 1 << 48 | 1 << 32 | UInt64(number % 16)
                batch.offsets[row] = Int64(number / 16)
                batch.nulls[row] = 0
                for column in history.types.indices {
                    batch.column(column)[row] = (Double(random.next() % 100_000) / 100).bitPattern
                }
                let key = EntityKey.encode([.int64(Int64(random.next() % UInt64(entities)))]) ?? []
                batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
                batch.keyBytes += key
            }
            try store.commit { _ in
                var commit = Commit()
                commit.batches = [(history.id, batch)]
                return commit
            }
            made += rows
        }
        try store.fold()
        try store.compact()
        store.close()
        return try Self.size(of: path)
    }

    private static func size(of path: String) throws -> Int {
        guard let directory = opendir(path) else { throw BenchError("no folder \(path)") }
        defer { closedir(directory) }
        var total = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0, name.hasSuffix(".sst") else { continue }
            total += Int(status.st_size)
        }
        return total
    }
}
