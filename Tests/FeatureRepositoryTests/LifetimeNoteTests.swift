import FeatureModel
import FeatureTesting
import Testing

@testable import FeatureRepository

/// `plan` says which new features have no past any more.
@Suite struct LifetimeNoteTests {
    private static func definition(history: HistoryLength, _ aggregations: [Aggregation]) -> FeatureStoreDefinition {
        FeatureStoreDefinition(
            project: "p",
            entities: [Entity(name: "user", joinKeys: [Field(name: "user", type: .int64)])],
            sources: [
                Source(
                    name: "s",
                    topic: "s",
                    timestampField: "t",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: [Field(name: "user", type: .int64), Field(name: "amount", type: .float64)]
                )
            ],
            featureViews: [
                FeatureView(name: "v", entity: "user", source: "s", history: history, aggregations: aggregations)
            ]
        )
    }

    private static let window = Aggregation(
        function: .sum,
        column: "amount",
        timeWindow: .sliding(microseconds: 1_000_000)
    )
    private static let sum = Aggregation(function: .sum, column: "amount", timeWindow: .lifetime)
    private static let first = Aggregation(function: .first, column: "amount", timeWindow: .lifetime)

    @Test func aLifetimeFeatureThatComesLaterIsTold() {
        let day = HistoryLength.microseconds(86_400_000_000)
        let before = Self.definition(history: day, [Self.window, Self.sum])
        #expect(lifetimeNotes(from: before, to: before).isEmpty)
        let notes = lifetimeNotes(from: before, to: Self.definition(history: day, [Self.sum, Self.first]))
        #expect(
            notes == [
                "view 'v': amount_first_lifetime asks for the whole past, and source 's' keeps 1d: OUTSIDE_RETENTION for entities that have lost events, until a replay"
            ]
        )
        // A window over the same column has kept nothing for `lifetime`.
        #expect(
            lifetimeNotes(
                from: Self.definition(history: day, [Self.window]),
                to: Self.definition(history: day, [Self.sum])
            ).count == 1
        )
        // Where nothing is dropped nothing is lost.
        #expect(
            lifetimeNotes(
                from: Self.definition(history: .forever, [Self.window]),
                to: Self.definition(history: .forever, [Self.sum])
            ).isEmpty
        )
    }
}
