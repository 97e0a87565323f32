import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// The small world, all of it: every stream of up to 5 events over 7 instants in every order of arrival, each read at every
/// T, every K and by both boundary rules, by every function over several windows. Whole in `make test-long`; a seeded slice
/// otherwise.
@Suite struct SmallWorldTests {
    static let types: [ValueType] = [.int64, .string]
    static let instants: Int64 = 7
    /// The i-th event to arrive has these values: repeated ones, a null, and a mark that some lack.
    static let values: [[FeatureValue]] = [
        [.int64(3), .string("a")], [.int64(1), .null], [.int64(3), .string("b")], [.null, .string("a")],
        [.int64(-2), .string("a")],
    ]

    static let queries: [OracleQuery] = {
        var queries: [OracleQuery] = []
        for function in AggregateFunction.allCases {
            var parameters = FunctionParameters()
            switch function {
            case .firstN, .lastN, .firstDistinctN, .lastDistinctN, .topK: parameters.n = 2
            case .countDistinct, .histogram: parameters.maxDistinct = 2
            case .approxPercentile: parameters.percentile = 0.5
            case .decayedSum, .decayedCount: parameters.halfLife = 3
            default: break
            }
            func query(
                length: Int64?,
                newest: Int? = nil,
                offset: Int64 = 0,
                filter: Int? = nil,
                groupBy: Int? = nil
            ) -> OracleQuery {
                OracleQuery(
                    function: function,
                    parameters: parameters,
                    column: 0,
                    groupBy: groupBy,
                    length: length,
                    newest: newest,
                    filter: filter,
                    offset: offset
                )
            }
            queries += [query(length: 2), query(length: 4, offset: 1), query(length: nil, filter: 1)]
            queries.append(query(length: nil, newest: 2))
            guard function.isGroupable else { continue }
            parameters.maxGroups = 1
            queries.append(query(length: 3, groupBy: 1))
            parameters.maxGroups = nil
            parameters.maxDistinct = 2
            queries += [query(length: 4, offset: 1, groupBy: 1), query(length: nil, newest: 3, groupBy: 0)]
        }
        queries.append(OracleQuery(function: .count, column: nil, length: 3, availableFrom: 2))
        queries.append(OracleQuery(function: .sum, column: 0, length: 2, series: 3))
        return queries
    }()

    /// The streams of one length, numbered: the digits of the number in base 7 are the event times in order of arrival.
    static func events(_ number: Int, count: Int) -> [OracleEvent] {
        var rest = number
        return (0..<count).map { index in
            defer { rest /= Int(instants) }
            return OracleEvent(
                time: Int64(rest) % instants,
                arrival: Int64(index) + 1,
                // Offsets fall as arrivals rise: position must never stand in for arrival.
                position: OracleEvent.Place(offset: Int64(10 - index)),
                values: values[index]
            )
        }
    }

    @Test(arguments: 0...5)
    func everyStream(count: Int) {
        let all = (0..<count).reduce(1) { total, _ in total * Int(Self.instants) }
        let seed = TestSeeds.list(1)[0]
        var random = SplitMix64(seed: seed &+ UInt64(count))
        let share = TestSeeds.isLong ? all : 40
        let numbers = share >= all ? Array(0..<all) : (0..<share).map { _ in Int.random(in: 0..<all, using: &random) }
        let plan = WindowPlan(Self.queries.map { $0.planned(Self.types) })
        for number in numbers {
            let events = Self.events(number, count: count)
            let built = EventsBuilder(events, types: Self.types, shape: TreeShape(leafEvents: 2, children: 3))
            for knownAt in 0...Int64(count) {
                for asOf in -1...(Self.instants + 1) {
                    for boundary in Boundary.allCases {
                        guard agree(plan, events, built, asOf, knownAt, boundary, TestSeeds.hint(seed)) else { return }
                    }
                }
            }
        }
    }

    private func agree(
        _ plan: WindowPlan,
        _ events: [OracleEvent],
        _ built: EventsBuilder,
        _ asOf: Int64,
        _ knownAt: Int64,
        _ boundary: Boundary,
        _ hint: String
    ) -> Bool {
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
            let expected = NaiveOracle.value(events, query, asOf: asOf, knownAt: knownAt, edge: boundary.edge)
            guard answer != expected else { continue }
            let point = "T \(asOf), K \(knownAt), \(boundary.name)"
            Issue.record("\(hint): \(events.map(\.time)), \(query) at \(point): \(answer), oracle \(expected)")
            return false
        }
        return true
    }
}
