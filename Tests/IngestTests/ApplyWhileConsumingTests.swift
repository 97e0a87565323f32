import FeatureHistory
import FeatureModel
import FeatureTesting
import KafkaLog
import Logging
import Testing
import Windowing

@testable import Ingest

/// An event that is produced after an apply has returned has what the apply added, however busy the consumer is.
@Suite(.serialized) struct ApplyWhileConsumingTests {
    /// Definitions whose views use one column more each time.
    private static func definition(columns: Int) -> FeatureStoreDefinition {
        var definition = Purchases.definition(format: .epochMilliseconds)
        definition.featureViews[0].aggregations = Purchases.columns.prefix(columns).map {
            Aggregation(name: "count_\($0.name)", function: .count, column: $0.name, timeWindow: .lifetime)
        }
        return definition
    }

    @Test(.timeLimit(.minutes(1))) func whatFollowsAnApplyHasItsColumns() throws {
        let end = EndToEndTests()
        let broker = try EndToEndTests.broker()
        let store = try end.open(Self.definition(columns: 1))
        defer { store.close() }
        let ingest = end.service(store, broker)
        ingest.start()
        defer { ingest.stop() }
        let values = #""amount":1,"quantity":2,"name":"n","flag":true,"seen":1600000000000"#
        let record = #"{"t":1600000000000,"user":"u",\#(values)}"#
        var produced: UInt64 = 0
        for columns in 2...Purchases.columns.count {
            // The consumer waits for records when the apply comes: it must not store the next one by what it knew then.
            try EndToEndTests.produce(broker, [(0, record)])
            produced += 1
            try wait(for: "a record before the apply") { ingest.status.events == produced }
            try store.apply(Self.definition(columns: columns), definitionHash: "\(columns)", files: [])
            try EndToEndTests.produce(broker, [(0, record)])
            produced += 1
            try wait(for: "a record after the apply") { ingest.status.events == produced }
            let added = Purchases.columns[columns - 1].name
            let plan = try LookupPlan([FeatureReference(view: "v", feature: "count_\(added)")], in: store.catalog)
            let scratch = ReadScratch()
            let key = try #require(EntityKey.encode([.string("u")]))
            try key.withUnsafeBytes {
                try store.read(plan, key: $0, at: ReadPoint(asOf: .distantFuture, knownAt: .distantFuture), scratch)
            }
            #expect(scratch.cells.value(0, type: .int64) == .int64(1), "\(added)")
        }
    }
}
