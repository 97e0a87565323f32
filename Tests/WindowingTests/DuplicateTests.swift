import FeatureModel
import FeatureTesting
import Testing

@testable import Windowing

/// Duplicates of one entity: which events count depends on the set of events, not on the order in which they come together.
@Suite struct DuplicateTests {
    /// The id, a value, and the mark, whose stored contents must not matter.
    static let types: [ValueType] = [.string, .int64, .int64]
    static let columns = EventIDColumns(id: 0, mark: 2)
    static let queries = [
        OracleQuery(function: .count, column: nil, length: 3), OracleQuery(function: .sum, column: 1, length: nil),
        OracleQuery(function: .last, column: 1, length: nil), OracleQuery(function: .first, column: 1, length: 2),
        OracleQuery(function: .count, column: nil, length: nil, newest: 2),
        OracleQuery(function: .countDistinct, parameters: FunctionParameters(maxDistinct: 100), column: 1, length: nil),
        OracleQuery(function: .sum, column: 1, groupBy: 0, length: nil),
    ]

    /// Every T and K over a few instants, ids and arrivals; inserted one by one with reads between, which fill tiles.
    @Test(arguments: TestSeeds.list(60))
    func everyReadEqualsTheOracle(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 2...30, using: &random)
        let instants = Int64.random(in: 1...4, using: &random)
        var events = (0..<count).map { offset in
            let id = Int.random(in: 0...3, using: &random)
            let garbage = Int64.random(in: -3...12, using: &random)
            return OracleEvent(
                time: Int64.random(in: 1...instants, using: &random),
                arrival: Int64.random(in: 1...9, using: &random),
                position: OracleEvent.Place(partition: offset % 2, offset: Int64(offset)),
                values: [
                    id == 0 ? .null : .string(["", "a", "b"][id - 1]), .int64(Int64(offset)),
                    random.oneIn(2) ? .null : .int64(garbage),
                ]
            )
        }
        events.shuffle(using: &random)
        let plan = WindowPlan(
            Self.queries.map {
                var planned = $0.planned(Self.types)
                planned.counts = Self.columns.mark
                return planned
            }
        )
        let shape = random.oneIn(3) ? TreeShape.standard : TreeShape(leafEvents: 2, children: 3)
        let built = EventsBuilder([], types: Self.types, shape: shape)
        for (number, event) in events.enumerated() {
            #expect(built.insert(event, types: Self.types, eventID: Self.columns))
            #expect(!built.insert(event, types: Self.types, eventID: Self.columns), "an event is here once")
            let isLast = number == events.count - 1
            let known = isLast ? Array(0...10) + [Int64.max] : [Int64.random(in: 0...10, using: &random), .max]
            for knownAt in known {
                for asOf in isLast ? Array(1...(instants + 1)) : [instants + 1] {
                    for boundary in [Boundary.strict, .inclusive] {
                        let found = evaluate(
                            plan,
                            Self.queries,
                            built.events,
                            types: Self.types,
                            asOf: asOf,
                            knownAt: knownAt,
                            boundary: boundary
                        )
                        for (query, answer) in zip(Self.queries, found) {
                            let expected = NaiveOracle.value(
                                Array(events[0...number]),
                                query,
                                asOf: asOf,
                                knownAt: knownAt,
                                edge: boundary.edge,
                                eventID: Self.columns.id
                            )
                            #expect(answer == expected, "\(TestSeeds.hint(seed)): \(query) at T \(asOf), K \(knownAt)")
                        }
                    }
                }
            }
        }
    }
}
