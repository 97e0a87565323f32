import FeatureHistory
import FeatureModel
import FeatureRepository
import Windowing

extension ServerFuzzer {
    /// One feature of every type that a reply may have, and one that needs request values.
    static let definitions = RepositoryFiles([
        "feature_store.yaml": """
        project: fuzz
        entities:
          - {name: customer, join_keys: {customer_id: int64}}
        sources:
          - name: purchases
            timestamp_field: at
            timestamp_format: epoch_us
            schema: {customer_id: int64, amount: float64}
        feature_views:
          - name: p
            entity: customer
            source: purchases
            aggregations:
              - {function: count, time_window: [1h, lifetime]}
              - {column: amount, function: sum, time_window: 1h}
              - {column: amount, function: last_n, time_window: 1h, n: 3}
              - {column: amount, function: top_k, time_window: 1h, n: 3}
        on_demand_feature_views:
          - name: d
            sources: [p]
            request: {amount: float64, word: string}
            features:
              ratio: request.amount / nullif(count_1h, 0)
              is_word: request.word = 'Zürich'
        feature_services:
          - {name: all, features: ["p:*"]}
          - {name: derived, features: ["d:*", "p:count_1h"]}
        """
    ])
}

extension FeatureStore {
    /// One purchase a customer.
    func commitPurchases(customers: Range<Int64>) throws {
        guard let history = catalog.histories.first else { throw StoreError(.unknownName, "no history") }
        let batch = EventBatch(types: history.types)
        let stream = StreamID(source: 1, incarnation: 1, partition: 0)
        for customer in customers {
            let row = batch.appendRows(1)
            batch.times[row] = 999_999_000_000 + customer
            batch.streams[row] = stream.rawValue
            batch.offsets[row] = customer
            batch.nulls[row] = 0
            batch.column(0)[row] = Double(customer).bitPattern
            var key: [UInt8] = []
            EntityKey.append(customer, to: &key)
            batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
            batch.keyBytes += key
        }
        try commit { _ in
            var commit = Commit()
            commit.batches = [(history.id, batch)]
            commit.offsets = [StreamOffset(stream: stream, next: customers.upperBound)]
            return commit
        }
    }
}
