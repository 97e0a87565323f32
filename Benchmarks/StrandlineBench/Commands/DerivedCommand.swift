import ArgumentParser
import FeatureHistory
import FeatureModel
import Windowing

struct DerivedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "derived",
        abstract: "Measure what derived features add to the read of an entity that is in memory.",
        discussion: """
            10,000 entities with 20 events each. One figure a line, as name=value.

              strandline-bench derived --data /tmp/fresh
            """
    )

    @Option(help: "An empty or new directory for the store.")
    var data: String

    @Option(help: "Reads of one figure.")
    var reads = 1_000_000

    private static let entities = 10_000
    private static let start: Int64 = 1_700_000_000_000_000
    private static let expressions: [(name: String, text: String, type: ValueType, inputs: [String])] = [
        ("share", "amount_sum_7d / nullif(amount_sum_30d, 0.0)", .float64, ["amount_sum_7d", "amount_sum_30d"]),
        ("unusual", "request.amount > 3 * amount_mean_30d", .bool, ["request.amount", "amount_mean_30d"]),
        (
            "trend", "case when count_7d > 2 then amount_mean_7d - amount_mean_30d else 0.0 end", .float64,
            ["count_7d", "amount_mean_7d", "amount_mean_30d"]
        ), ("busy", "count_1h > 5 or count_7d > 50", .bool, ["count_1h", "count_7d"]),
    ]

    func run() throws {
        let store = try FeatureStore(directory: data, options: StoreOptions()) { Instant(microseconds: Self.start) }
        defer { store.close() }
        try store.apply(Self.definition, definitionHash: "bench", files: [])
        try fill(store)
        let stored = BenchDefinition.references
        let derived = Self.expressions.map { FeatureReference(view: "derived", feature: $0.name) }
        let plain = try nanoseconds(store, stored)
        let both = try nanoseconds(store, stored + derived)
        let alone = try nanoseconds(store, derived)
        printLine(["read_ns_12_features": fixed(plain, 0)])
        printLine(["read_ns_12_features_4_derived": fixed(both, 0)])
        printLine(["read_ns_4_derived": fixed(alone, 0)])
        printLine(["derived_ns": fixed((both - plain) / 4, 0)])
    }

    private static var definition: FeatureStoreDefinition {
        var definition = BenchDefinition.make(topic: "bench")
        let features = expressions.map { name, text, type, inputs in
            DerivedFeature(
                name: name,
                text: text,
                type: type,
                inputs: inputs.map { input in
                    if input == "request.amount" {
                        return DerivedInput(qualifier: "request", name: "amount", type: .float64, origin: .request)
                    }
                    let reference = FeatureReference(view: BenchDefinition.view, feature: input)
                    let type: ValueType = input.hasPrefix("count") ? .int64 : .float64
                    return DerivedInput(qualifier: nil, name: input, type: type, origin: .feature(reference))
                }
            )
        }
        definition.onDemandFeatureViews = [
            OnDemandFeatureView(
                name: "derived",
                sources: [BenchDefinition.view],
                request: [Field(name: "amount", type: .float64)],
                features: features
            )
        ]
        return definition
    }

    private static func key(_ entity: Int) -> [UInt8] { EntityKey.encode([.int64(Int64(entity))]) ?? [] }

    private func fill(_ store: FeatureStore) throws {
        guard let history = store.catalog.histories.first else { throw BenchError("the store has no history") }
        var random = SplitMix(state: 1)
        let batch = EventBatch(types: history.types, capacity: Self.entities * 20)
        for entity in 0..<Self.entities {
            let key = Self.key(entity)
            for _ in 0..<20 {
                let row = batch.appendRows(1)
                batch.times[row] = Self.start - Int64(random.unit() * 30 * 86_400_000_000)
                batch.streams[row] = StreamID(source: 1, incarnation: 1, partition: 0).rawValue
                batch.offsets[row] = Int64(row)
                batch.nulls[row] = 0
                for column in history.types.indices {
                    batch.column(column)[row] = ((random.unit() * 10_000).rounded() / 100).bitPattern
                }
                batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
                batch.keyBytes += key
            }
        }
        try store.commit { _ in
            var commit = Commit()
            commit.batches = [(history.id, batch)]
            return commit
        }
    }

    /// Nanoseconds of processor time of a read, the best of five times.
    private func nanoseconds(_ store: FeatureStore, _ references: [FeatureReference]) throws -> Double {
        let plan = try LookupPlan(references, in: store.catalog)
        let scratch = ReadScratch()
        scratch.request.begin(fieldCount: plan.request.count)
        for _ in plan.request { scratch.request.append(250.0) }
        let keys = (0..<Self.entities).map(Self.key)
        let point = ReadPoint(asOf: Instant(microseconds: Self.start), knownAt: .distantFuture)
        var best = Double.infinity
        for _ in 0..<5 {
            let began = Measure.processorMicroseconds()
            for read in 0..<reads {
                let isRead = keys[read % Self.entities].withUnsafeBytes {
                    store.readResident(plan, key: $0, at: point, scratch)
                }
                guard isRead else { throw BenchError("an entity is not in memory") }
            }
            best = min(best, Double(Measure.processorMicroseconds() - began) * 1000 / Double(reads))
        }
        return best
    }
}
