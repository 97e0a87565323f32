import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// `WindowPlan.evaluate` against the oracle: equal value, status and newest event time, to the last bit.
@Suite struct OracleTests {
    static let types: [ValueType] = [.int64, .float64, .string, .bool, .timestamp, .int64, .float64]

    /// Thousands of (stream, T, K, queries): each seed is a stream, read at several points with a plan of many windows.
    @Test(arguments: TestSeeds.list(400))
    func randomStreams(seed: UInt64) { _ = Self.compare(seed) }

    /// What the seeds compare is worth something: hundreds of windows with events in them, of every function.
    @Test func everyFunctionIsCompared() {
        var tally = Tally()
        for seed in UInt64(10_001)...10_100 { tally.add(Self.compare(seed)) }
        for function in AggregateFunction.allCases {
            #expect(tally[function].nonEmpty >= 300, "\(function): \(tally[function])")
        }
        for function in AggregateFunction.allCases where function.isGroupable {
            let line = tally.grouped(function)
            #expect(line.nonEmpty >= 60 && line.overflows >= 3, "\(function) by category: \(line)")
        }
        // Of a sum or a variance only where numbers are extreme.
        for function in [.countDistinct, .topK, .histogram, .sum, .varPop, .decayedSum] as [AggregateFunction] {
            #expect(tally[function].overflows >= 10, "\(function): \(tally[function])")
        }
    }

    /// - Returns: what was compared, up to the first difference, which is an issue.
    static func compare(_ seed: UInt64) -> Tally {
        var random = SplitMix64(seed: seed)
        var tally = Tally()
        let unit: Int64 = [1, 1, 1_000_000, 3_600_000_000].randomElement(using: &random) ?? 1
        let shape = SeededStream.Shape(
            types: types,
            start: Int64.random(in: -2000...2000, using: &random) * unit,
            span: 4000 * unit,
            grain: [1, unit, 10 * unit, 1000 * unit].randomElement(using: &random) ?? 1,
            nullsOneIn: Int.random(in: 0...4, using: &random),
            isExtreme: random.oneIn(3),
            alphabet: [nil, 2, 5, 20].randomElement(using: &random) ?? nil
        )
        var stream = SeededStream(shape, seed: seed)
        let maker = RandomQueries(types: types, unit: unit, shape: shape)
        // Some long enough for the dense form of a HyperLogLog.
        let sizes = [0...3, 0...30, 20...120, 20...120, 50...150, random.oneIn(4) ? 200...400 : 20...120]
        let size = sizes.randomElement(using: &random) ?? 0...0
        let events = (0..<Int.random(in: size, using: &random)).map { _ in
            stream.next(arrival: Int64.random(in: 0..<20, using: &random)).event
        }
        // Small parts make deep trees of few events; the standard shape keeps most of these streams in one leaf.
        let tree = TreeShape(
            leafEvents: Int.random(in: 2...8, using: &random),
            children: Int.random(in: 3...5, using: &random)
        )
        let built = EventsBuilder(events, types: types, shape: random.oneIn(4) ? .standard : tree)
        for _ in 0..<4 {
            let queries = (0..<Int.random(in: 1...24, using: &random)).map { _ in maker.next(&random, &stream) }
            let plan = WindowPlan(queries.map { $0.planned(types) })
            for _ in 0..<4 {
                let asOf = instant(events, shape, unit, &random)
                let knownAt = random.oneIn(3) ? Int64.max : Int64.random(in: -1...20, using: &random)
                for boundary in Boundary.allCases {
                    let found = evaluate(
                        plan,
                        queries,
                        built.events,
                        types: types,
                        asOf: asOf,
                        knownAt: knownAt,
                        boundary: boundary
                    )
                    for (query, answer) in zip(queries, found) {
                        let expected = NaiveOracle.value(
                            events,
                            query,
                            asOf: asOf,
                            knownAt: knownAt,
                            edge: boundary.edge
                        )
                        tally.add(query, expected)
                        guard answer != expected else { continue }
                        let point = "T \(asOf), K \(knownAt), \(boundary.name)"
                        Issue.record("\(TestSeeds.hint(seed)): \(query) at \(point): \(answer), oracle \(expected)")
                        return tally
                    }
                }
            }
        }
        return tally
    }

    /// T at, just before and just after events, far away, anywhere.
    static func instant(
        _ events: [OracleEvent],
        _ shape: SeededStream.Shape,
        _ unit: Int64,
        _ random: inout SplitMix64
    ) -> Int64 {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return [Int64.min, Int64.max].randomElement(using: &random) ?? 0
        case 1..<6:
            guard let event = events.randomElement(using: &random) else { return shape.start }
            return event.time + Int64.random(in: -1...1, using: &random)
        case 6..<9: return shape.start + Int64.random(in: 0...(shape.span / 3), using: &random)
        default: return shape.start + Int64.random(in: (-100 * unit)...(shape.span + 5000 * unit), using: &random)
        }
    }

    /// The small world, all of it: every stream of at most 3 events over 4 instants, each known at once or later, value
    /// present or null, read at every T by every function, window and rule.
    @Test func everySmallStream() {
        struct Kind { var time: Int64, arrival: Int64, values: [FeatureValue] }
        var kinds: [Kind] = []
        for time in Int64(0)..<4 {
            for arrival in Int64(1)...2 {
                for isNull in [true, false] {
                    // Sums tell which events are in them; what comes twice is in the second column.
                    let values: [FeatureValue] = isNull ? [.null, .null] : [.int64(1 << time), .int64(time % 2)]
                    kinds.append(Kind(time: time, arrival: arrival, values: values))
                }
            }
        }
        let types: [ValueType] = [.int64, .int64]
        let queries = Self.smallQueries
        let plan = WindowPlan(queries.map { $0.planned(types) })
        var checked = 0
        var streams: [[Int]] = [[]]
        for size in 1...3 {
            // Positions tell equal events apart, so combinations with repetition are all there is.
            var more: [[Int]] = []
            for stream in streams where stream.count == size - 1 {
                for kind in (stream.last ?? 0)..<kinds.count { more.append(stream + [kind]) }
            }
            streams += more
        }
        for stream in streams {
            // Offsets fall as times rise: position must never win over time.
            let events = stream.enumerated().map { index, kind in
                OracleEvent(
                    time: kinds[kind].time,
                    arrival: kinds[kind].arrival,
                    position: OracleEvent.Place(offset: Int64(10 - index)),
                    values: kinds[kind].values
                )
            }
            let built = EventsBuilder(events, types: types, shape: TreeShape(leafEvents: 2, children: 3))
            for asOf in Int64(-1)...5 {
                for knownAt in Int64(0)...2 {
                    for boundary in Boundary.allCases {
                        let found = evaluate(
                            plan,
                            queries,
                            built.events,
                            types: types,
                            asOf: asOf,
                            knownAt: knownAt,
                            boundary: boundary
                        )
                        for (query, answer) in zip(queries, found) {
                            let expected = NaiveOracle.value(
                                events,
                                query,
                                asOf: asOf,
                                knownAt: knownAt,
                                edge: boundary.edge
                            )
                            checked += 1
                            if answer != expected {
                                let point = "T \(asOf), K \(knownAt), \(boundary.name)"
                                Issue.record("\(events) \(query) at \(point): \(answer), oracle \(expected)")
                                return
                            }
                        }
                    }
                }
            }
        }
        #expect(streams.count == 969)
        #expect(checked == 969 * 7 * 3 * 2 * queries.count)
    }
    /// Every function, over the column that tells the most about it.
    static let smallQueries: [OracleQuery] = {
        var queries: [OracleQuery] = []
        for function in AggregateFunction.allCases {
            var parameters = FunctionParameters(n: 2, percentile: 0.5, precision: 10, halfLife: 3)
            var column = 0
            switch function {
            case .firstDistinctN, .lastDistinctN, .topK, .histogram, .approxCountDistinct: column = 1
            case .countDistinct:
                column = 1
                parameters.maxDistinct = 1
            default: break
            }
            for length in [1, 2, nil] as [Int64?] {
                for offset in Int64(0)...1 {
                    queries.append(
                        OracleQuery(
                            function: function,
                            parameters: parameters,
                            column: column,
                            length: length,
                            offset: offset
                        )
                    )
                }
            }
        }
        queries.append(OracleQuery(function: .count, column: nil, length: 2, availableFrom: 1))
        for function in AggregateFunction.allCases where function.isGroupable {
            let parameters = FunctionParameters(
                percentile: 0.5,
                precision: 10,
                halfLife: 3,
                maxDistinct: 2,
                maxGroups: 1
            )
            queries.append(
                OracleQuery(function: function, parameters: parameters, column: 0, groupBy: 1, length: 2)
            )
        }
        return queries
    }()
}
