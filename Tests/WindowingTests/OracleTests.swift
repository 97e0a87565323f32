import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// `WindowPlan.evaluate` against the oracle: equal value, status and newest event time, to the last bit.
@Suite struct OracleTests {
    static let types: [ValueType] = [.int64, .float64, .string, .bool, .timestamp, .int64, .float64]

    /// Thousands of (stream, T, K, queries): each seed is a stream, read at several points with a plan of many windows.
    @Test(arguments: TestSeeds.list(400))
    func randomStreams(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let grain: Int64 = [1, 1, 10, 1000].randomElement(using: &random) ?? 1
        let shape = SeededStream.Shape(
            types: Self.types,
            start: Int64.random(in: -2000...2000, using: &random),
            span: 4000,
            grain: grain,
            nullsOneIn: Int.random(in: 0...4, using: &random),
            isExtreme: random.oneIn(3)
        )
        var stream = SeededStream(shape, seed: seed)
        let events = (0..<Int.random(in: 0...120, using: &random)).map { _ in
            stream.next(arrival: Int64.random(in: 0..<20, using: &random)).event
        }
        // Small parts make deep trees of few events; the standard shape keeps most of these streams in one leaf.
        let tree = TreeShape(
            leafEvents: Int.random(in: 2...8, using: &random),
            children: Int.random(in: 3...5, using: &random)
        )
        let built = EventsBuilder(events, types: Self.types, shape: random.oneIn(4) ? .standard : tree)
        for _ in 0..<4 {
            let queries = (0..<Int.random(in: 1...24, using: &random)).map { _ in Self.query(&random, &stream, shape) }
            let plan = WindowPlan(queries.map { $0.planned(Self.types) })
            for _ in 0..<4 {
                let asOf = Self.instant(events, shape, &random)
                let knownAt = random.oneIn(3) ? Int64.max : Int64.random(in: -1...20, using: &random)
                for boundary in Boundary.allCases {
                    let found = evaluate(
                        plan,
                        queries,
                        built.events,
                        types: Self.types,
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
                        guard answer != expected else { continue }
                        Issue.record(
                            "\(TestSeeds.hint(seed)): \(query) at T \(asOf), K \(knownAt), \(boundary.name): \(answer); the oracle says \(expected)"
                        )
                        return
                    }
                }
            }
        }
    }

    /// T at, just before and just after events, far away, anywhere.
    static func instant(_ events: [OracleEvent], _ shape: SeededStream.Shape, _ random: inout SplitMix64) -> Int64 {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return [Int64.min, Int64.max].randomElement(using: &random) ?? 0
        case 1..<6:
            guard let event = events.randomElement(using: &random) else { return shape.start }
            return event.time + Int64.random(in: -1...1, using: &random)
        default: return shape.start + Int64.random(in: -100...(shape.span + 5000), using: &random)
        }
    }

    static func query(_ random: inout SplitMix64, _ stream: inout SeededStream, _ shape: SeededStream.Shape)
        -> OracleQuery
    {
        while true {
            let function = AggregateFunction.allCases.randomElement(using: &random) ?? .count
            let column: Int? =
                function == .count && random.oneIn(2) ? nil : Int.random(in: 0..<types.count, using: &random)
            guard let result = function.resultType(of: column.map { types[$0] }) else { continue }
            var query = OracleQuery(
                function: function,
                column: column,
                length: random.oneIn(6) ? nil : [1, 10, 500, 1000, 5000, Int64.max].randomElement(using: &random),
                offset: random.oneIn(2) ? 0 : [1, 10, 1000].randomElement(using: &random) ?? 0
            )
            if random.oneIn(3), function != .count { query.defaultValue = stream.value(result) }
            if random.oneIn(4) { query.availableFrom = shape.start + Int64.random(in: 0..<shape.span, using: &random) }
            return query
        }
    }

    /// The small world, all of it: every stream of at most 3 events over 4 instants, each known at once or later, value
    /// present or null, read at every T by every function, window and rule.
    @Test func everySmallStream() {
        struct Kind { var time: Int64, arrival: Int64, value: FeatureValue }
        var kinds: [Kind] = []
        for time in Int64(0)..<4 {
            for arrival in Int64(1)...2 {
                for value in [FeatureValue.null, .int64(1 << time)] {
                    kinds.append(Kind(time: time, arrival: arrival, value: value))
                }
            }
        }
        var queries: [OracleQuery] = []
        for function in AggregateFunction.allCases {
            for length in [1, 2, nil] as [Int64?] {
                for offset in Int64(0)...1 {
                    queries.append(OracleQuery(function: function, column: 0, length: length, offset: offset))
                }
            }
        }
        queries.append(OracleQuery(function: .count, column: nil, length: 2, availableFrom: 1))
        let plan = WindowPlan(queries.map { $0.planned([.int64]) })
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
                    values: [kinds[kind].value]
                )
            }
            let built = EventsBuilder(events, types: [.int64], shape: TreeShape(leafEvents: 2, children: 3))
            for asOf in Int64(-1)...5 {
                for knownAt in Int64(0)...2 {
                    for boundary in Boundary.allCases {
                        let found = evaluate(
                            plan,
                            queries,
                            built.events,
                            types: [.int64],
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
                                Issue.record(
                                    "\(events) \(query) T \(asOf) K \(knownAt) \(boundary.name): \(answer), oracle \(expected)"
                                )
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
}
