import FeatureModel

/// What the benchmark's store computes: 3 windows x 4 aggregates.
enum BenchDefinition {
    static let source = "bench"
    static let view = "spending"
    static let windows = ["1h", "7d", "30d"]
    static let functions: [AggregateFunction] = [.count, .sum, .mean, .max]

    static func make(topic: String) -> FeatureStoreDefinition {
        let schema = [Field(name: "user_id", type: .int64), Field(name: "amount", type: .float64)]
        let aggregations = windows.compactMap { TimeWindow($0) }.flatMap { window in
            functions.map { Aggregation(function: $0, column: $0 == .count ? nil : "amount", timeWindow: window) }
        }
        return FeatureStoreDefinition(
            project: "bench",
            entities: [Entity(name: "user", joinKeys: [Field(name: "user_id", type: .int64)])],
            sources: [
                Source(
                    name: source,
                    topic: topic,
                    timestampField: "ts",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: schema
                )
            ],
            featureViews: [FeatureView(name: view, entity: "user", source: source, aggregations: aggregations)]
        )
    }

    /// Window by window, and in each the functions in their order.
    static var references: [FeatureReference] {
        windows.compactMap { TimeWindow($0) }.flatMap { window in
            functions.map { function in
                let column = function == .count ? nil : "amount"
                let name = Aggregation.defaultName(function: function, column: column, timeWindow: window, offset: 0)
                return FeatureReference(view: view, feature: name)
            }
        }
    }
}
