import FeatureModel
import FeatureTesting
import Testing

@testable import Windowing

/// The tree of a busy entity: reads between changes of every kind, so that a tile that should have been forgotten is
/// found out.
@Suite struct EventTreeTests {
    static let types: [ValueType] = [.int64, .float64, .string]

    /// Beside random ones.
    static let queries: [OracleQuery] = [
        OracleQuery(function: .count, column: nil, length: nil),
        OracleQuery(function: .count, column: 0, length: 900),
        OracleQuery(function: .sum, column: 0, length: 40),
        OracleQuery(function: .sum, column: 1, length: 2000),
        OracleQuery(function: .mean, column: 1, length: nil),
        OracleQuery(function: .min, column: 0, length: 2000),
        OracleQuery(function: .max, column: 1, length: 300, offset: 500),
        OracleQuery(function: .first, column: 2, length: 1500),
        OracleQuery(function: .last, column: 2, length: nil),
    ]

    @Test(arguments: TestSeeds.list(60))
    func readsBetweenChanges(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let grain: Int64 = random.oneIn(2) ? 1 : 100
        let world = SeededStream.Shape(
            types: Self.types,
            start: 0,
            span: 4000,
            grain: grain,
            isExtreme: random.oneIn(3),
            alphabet: random.oneIn(2) ? nil : 4
        )
        var stream = SeededStream(world, seed: seed)
        let maker = RandomQueries(types: Self.types, unit: 1, shape: world)
        let queries = Self.queries + (0..<12).map { _ in maker.next(&random, &stream) }
        let shape = TreeShape(
            leafEvents: Int.random(in: 2...6, using: &random),
            children: Int.random(in: 3...4, using: &random)
        )
        let built = EventsBuilder([], types: Self.types, shape: shape)
        let plan = WindowPlan(queries.map { $0.planned(Self.types) })
        // The second plan's layout holds more, in another order: taking turns must not mix their tiles up.
        let more = (0..<6).map { _ in maker.next(&random, &stream) }
        let wide = TileLayout((queries + more).reversed().map { $0.planned(Self.types) })
        let other = WindowPlan(queries.map { $0.planned(Self.types) }, layout: wide)
        var events: [OracleEvent] = []
        var arrival: Int64 = 0
        for step in 0..<250 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0 where !events.isEmpty:
                guard let again = events.randomElement(using: &random) else { continue }
                #expect(!built.insert(again, types: Self.types), "an event is here once")
            case 1 where random.oneIn(6):
                let through = arrival - Int64.random(in: 0...8, using: &random)
                built.removeArrivals(through: through)
                events.removeAll { $0.arrival <= through }
            default:
                arrival += Int64.random(in: 0...1, using: &random)
                let event = stream.next(arrival: arrival).event
                #expect(built.insert(event, types: Self.types))
                events.append(event)
            }
            #expect(built.events.count == events.count)
            guard random.oneIn(3) else { continue }
            let asOf = OracleTests.instant(events, world, 1, &random)
            let knownAt = random.oneIn(2) ? Int64.max : arrival - Int64.random(in: 0...20, using: &random)
            let boundary: Boundary = random.oneIn(2) ? .strict : .inclusive
            let found = evaluate(
                step % 50 < 40 ? plan : other,
                queries,
                built.events,
                types: Self.types,
                asOf: asOf,
                knownAt: knownAt,
                boundary: boundary
            )
            for (query, answer) in zip(queries, found) {
                let expected = NaiveOracle.value(events, query, asOf: asOf, knownAt: knownAt, edge: boundary.edge)
                #expect(answer == expected, "\(TestSeeds.hint(seed)) step \(step): \(query) at T \(asOf), K \(knownAt)")
            }
        }
    }

    /// What is copied out is what was put in, in order, for any range of arrivals.
    @Test(arguments: TestSeeds.list(20))
    func copiesByArrival(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var stream = SeededStream(SeededStream.Shape(types: Self.types, start: 0, span: 500), seed: seed)
        let events = (0..<200).map { _ in stream.next(arrival: Int64.random(in: 0..<50, using: &random)).event }
        let built = EventsBuilder(events, types: Self.types, shape: TreeShape(leafEvents: 4, children: 3))
        for _ in 0..<20 {
            let after = Int64.random(in: -1..<50, using: &random)
            let through = Int64.random(in: after..<60, using: &random)
            let batch = EventBatch(types: ColumnTypes(Self.types), capacity: 1)
            built.events.copy(arrivedAfter: after, through: through, to: batch)
            let wanted = events.filter { $0.arrival > after && $0.arrival <= through }.map {
                EventOrder(time: $0.time, stream: $0.stream.rawValue, offset: $0.position.offset)
            }.sorted()
            #expect((0..<batch.count).map(batch.eventOrder) == wanted, "\(TestSeeds.hint(seed))")
        }
    }

    /// A window far longer than a leaf is read from tiles: once filled, a read comes by few events.
    @Test func theTreeIsBalanced() {
        let built = EventsBuilder([], types: [.int64], shape: TreeShape(leafEvents: 2, children: 3))
        var random = SplitMix64(seed: 1)
        for offset in 0..<Int64(3000) {
            let time = random.oneIn(2) ? offset : Int64.random(in: 0...offset, using: &random)
            let event = OracleEvent(
                time: time,
                arrival: 1,
                position: OracleEvent.Place(offset: offset),
                values: [.int64(offset)]
            )
            _ = built.insert(event, types: [.int64])
        }
        // At least half-full nodes of 3 over leaves of 1 to 2 events: ld(3000) levels at the very most.
        #expect(built.events.depth <= 12)
        #expect(built.events.depth >= 6)
    }
}
