// What the tests of this folder share: a small correct repository, and ways to break it in one place.

import FeatureModel
import FeatureRepository

enum Sample {
    static let store = """
        project: shop
        kafka:
          bootstrap.servers: 127.0.0.1:9092
        """
    static let entities = """
        entities:
          - name: customer
            join_keys: {customer_id: int64}
        """
    static let sources = """
        sources:
          - name: orders
            timestamp_field: at
            timestamp_format: epoch_ms
            schema:
              customer_id: int64
              amount: float64
              city: string
              paid: bool
              shipped: timestamp
        """
    static let views = """
        feature_views:
          - name: spend
            entity: customer
            source: orders
            aggregations:
              - {function: count, time_window: [7d, 30d]}
              - {column: amount, function: sum, time_window: 7d}
        """
    static let services = """
        feature_services:
          - name: churn
            features: [spend:count_7d, spend:amount_sum_7d]
        """

    static func files(
        store: String = store,
        entities: String = entities,
        sources: String = sources,
        views: String = views,
        services: String = services
    ) -> RepositoryFiles {
        RepositoryFiles([
            "entities.yaml": entities, "feature_services.yaml": services, "feature_store.yaml": store,
            "feature_views.yaml": views, "sources.yaml": sources,
        ])
    }

    static func definition(
        store: String = store,
        entities: String = entities,
        sources: String = sources,
        views: String = views,
        services: String = services
    ) throws -> FeatureStoreDefinition {
        try Repository(
            parsing: files(store: store, entities: entities, sources: sources, views: views, services: services),
            environment: [:]
        ).definition
    }

    /// A view with these lines under `aggregations:`; the first stands on line 6.
    static func view(_ aggregations: String..., extra: String? = nil) -> String {
        var lines = ["feature_views:", "  - name: spend", "    entity: customer", "    source: orders"]
        lines.append(extra.map { "    \($0)" } ?? "    description: x")
        lines.append("    aggregations:")
        return (lines + aggregations.map { "      - \($0)" }).joined(separator: "\n")
    }
}

/// The mistakes in some files, as they print; empty when there are none.
func mistakes(_ files: RepositoryFiles, environment: [String: String]? = [:]) -> [String] {
    do {
        _ = try Repository(parsing: files, environment: environment)
        return []
    } catch {
        return error.diagnostics.map(\.description)
    }
}

/// SplitMix64: the same numbers from the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
