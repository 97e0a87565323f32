import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// Within a steady interval every T reads alike; the evaluation itself is the judge, and `OracleTests` judge it.
@Suite struct SteadyIntervalTests {
    @Test(arguments: TestSeeds.list(300))
    func everyInstantReadsAlike(seed: UInt64) { _ = Self.compare(seed) }

    /// What the seeds compare is worth something: intervals that are wide and end where values do.
    @Test func intervalsAreWide() {
        let all = (UInt64(20_001)...20_100).map { Self.compare($0) }
        #expect(all.reduce(0) { $0 + $1.steady } > 1000)
        #expect(all.reduce(0) { $0 + $1.instants } > 4000)
        // Right behind an interval an edge has passed an event: mostly some value is another one.
        #expect(all.reduce(0) { $0 + $1.changed } > 300)
    }

    struct Found {
        var steady = 0
        /// Other instants of steady intervals.
        var instants = 0
        /// Values that were others right behind the interval.
        var changed = 0
    }

    static func compare(_ seed: UInt64) -> Found {
        var random = SplitMix64(seed: seed)
        var found = Found()
        let types = OracleTests.types
        let unit: Int64 = [1, 1_000_000].randomElement(using: &random) ?? 1
        let shape = SeededStream.Shape(
            types: types,
            start: Int64.random(in: -2000...2000, using: &random) * unit,
            span: 4000 * unit,
            grain: [1, unit, 10 * unit, 1000 * unit].randomElement(using: &random) ?? 1
        )
        var stream = SeededStream(shape, seed: seed)
        let maker = RandomQueries(types: types, unit: unit, shape: shape)
        let events = (0..<Int.random(in: 0...90, using: &random)).map { _ in stream.next(arrival: 1).event }
        let tree = TreeShape(leafEvents: Int.random(in: 2...8, using: &random), children: 3)
        let built = EventsBuilder(events, types: types, shape: random.oneIn(3) ? .standard : tree)
        for _ in 0..<4 {
            let queries = (0..<Int.random(in: 1...5, using: &random)).map { _ in maker.next(&random, &stream) }
            let plan = WindowPlan(queries.map { $0.planned(types) })
            let changes = queries.contains {
                [.decayedSum, .decayedCount, .timeSinceLast, .timeSinceFirst].contains($0.function)
            }
            for _ in 0..<4 {
                let asOf = OracleTests.instant(events, shape, unit, &random)
                for boundary in Boundary.allCases {
                    func read(_ asOf: Int64) -> [OracleAnswer] {
                        evaluate(
                            plan,
                            queries,
                            built.events,
                            types: types,
                            asOf: asOf,
                            knownAt: .max,
                            boundary: boundary
                        )
                    }
                    let steady = plan.steady(built.events, asOf: Instant(microseconds: asOf), boundary: boundary)
                    #expect(!changes || steady == nil)
                    guard let steady, steady.from < steady.until else { continue }
                    found.steady += 1
                    let here = read(asOf)
                    let others = [
                        steady.from, steady.until - 1, Int64.random(in: steady.from..<steady.until, using: &random),
                        asOf > steady.from ? asOf - 1 : asOf, asOf < steady.until - 1 ? asOf + 1 : asOf,
                    ]
                    for other in Set(others) where other != asOf {
                        found.instants += 1
                        guard read(other) != here else { continue }
                        Issue.record(
                            "\(TestSeeds.hint(seed)): \(queries), \(boundary.name): T \(other) reads other than \(asOf), within \(steady)"
                        )
                        return found
                    }
                    if steady.until < .max, read(steady.until) != here { found.changed += 1 }
                }
            }
        }
        return found
    }
}
