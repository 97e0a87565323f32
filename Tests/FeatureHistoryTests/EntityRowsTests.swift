import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Many rows of an entity in one pass: each cell has the bits of a lookup at the row's (T, K), and the oracle's.
@Suite struct EntityRowsTests {
    /// Rows in the order of T: dense or sparse, now and then several at one T; with one K, or each with its own.
    private static func rows(_ world: TestStore, _ random: inout SplitMix64) -> [EntityRow] {
        let now = world.clock.now.microseconds
        let spans: [Int64] = [World.second / 2, 20 * World.second, 200 * World.second]
        let span: Int64 = spans.randomElement(using: &random) ?? 1
        let end = now - Int64.random(in: -World.second...(100 * World.second), using: &random)
        let boundary: Boundary = random.oneIn(2) ? .strict : .inclusive
        let known = random.oneIn(3) ? world.arrivals.randomElement(using: &random) ?? now : Int64.max
        let isRowTime = random.oneIn(5)
        let times = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            let time = end - Int64.random(in: 0...span, using: &random)
            // On the grain of the events: windows' edges meet them.
            return random.oneIn(3) ? time : time / (World.second / 4) * (World.second / 4)
        }
        return times.sorted().enumerated().map { index, time in
            EntityRow(
                point: ReadPoint(
                    asOf: Instant(microseconds: time),
                    knownAt: Instant(microseconds: isRowTime ? min(time, known) : known),
                    boundary: boundary
                ),
                request: index
            )
        }
    }

    private static func answers(_ world: TestStore, _ scratch: ReadScratch) -> [OracleAnswer] {
        world.plan.features.enumerated().map { index, feature in
            let newest = scratch.cells.eventTimes[index]
            return OracleAnswer(
                value: scratch.cells.value(index, type: feature.type),
                status: scratch.cells.status(index) ?? .outsideRetention,
                newest: newest == .min ? nil : newest
            )
        }
    }

    /// Compares one entity's rows with as many lookups; every seventh with the oracle too.
    private static func check(
        _ world: TestStore,
        _ scratch: ReadScratch,
        _ random: inout SplitMix64,
        users: Int,
        _ hint: String
    ) throws -> (moved: Int, filled: Int)? {
        let user = Int64.random(in: 0...Int64(users), using: &random)
        let card = Int64.random(in: 0...2, using: &random)
        let rows = rows(world, &random)
        if world.plan.generation != world.store.generation { _ = try world.read(user, card, rows[0].point) }
        var found: [[OracleAnswer]] = []
        let key = World.key(user, card)
        let isDone = try key.withUnsafeBytes { key throws in
            try world.store.read(world.plan, key: key, rows: rows[...], scratch) { index in
                #expect(index == found.count)
                found.append(answers(world, scratch))
                return true
            }
        }
        #expect(isDone)
        var filled = 0
        for (index, row) in rows.enumerated() {
            let wanted = try world.read(user, card, row.point)
            filled += wanted.count { $0.newest != nil }
            if found[index] != wanted, let cell = wanted.indices.first(where: { found[index][$0] != wanted[$0] }) {
                let place = "row \(index) of \(rows.count) of (\(user), \(card)) at \(row.point)"
                let difference = "\(found[index][cell]); a lookup says \(wanted[cell])"
                Issue.record("\(hint): \(world.plan.features[cell].reference), \(place): \(difference)")
                return nil
            }
            if index % 7 == 3 {
                guard try world.check(user, card, row.point, hint) else { return nil }
            }
        }
        return (scratch.isBegun.contains(true) ? rows.count : 0, filled)
    }

    @Test(arguments: TestSeeds.list(8), [HistoryLength.forever, .microseconds(RetentionTests.history)])
    func rowsEqualLookups(seed: UInt64, history: HistoryLength) throws {
        var random = SplitMix64(seed: seed)
        let hint = TestSeeds.hint(seed)
        let users = [1, 3, 12].randomElement(using: &random) ?? 3
        var options = StoreOptions()
        options.unfoldedEventsMax = [1, 50, 1_000_000].randomElement(using: &random) ?? 50
        if random.oneIn(2) {
            options.treeShape = TreeShape(
                leafEvents: Int.random(in: 2...9, using: &random),
                children: Int.random(in: 3...6, using: &random)
            )
        }
        let id: String? = random.oneIn(3) ? ["word", "quantity"].randomElement(using: &random) : nil
        let definition = DuplicateTests.definition(id, history)
        let world = try TestStore(options: options) { _ in definition }
        let isExtreme = random.oneIn(3)
        var producer = DuplicateTests.Producer(
            stream: RecordStream(seed: seed, users: users, cards: 2, isExtreme: isExtreme)
        )
        let scratch = ReadScratch()
        var (moved, rows, filled) = (0, 0, 0)
        for _ in 0..<60 {
            switch Int.random(in: 0..<16, using: &random) {
            case 0..<9:
                world.clock.advance(by: Int64.random(in: 0...(4 * World.second), using: &random))
                let count = Int.random(in: 1...(random.oneIn(5) ? 150 : 20), using: &random)
                try world.commit(producer.records(count, world, &random))
            case 9: try world.store.fold()
            case 10, 11: _ = try world.store.maintain()
            case 12: while try world.store.retain() {}
            case 13: world.store.evictAll()
            case 14: try world.reopen()
            default: break
            }
            guard !world.arrivals.isEmpty else { continue }
            guard let checked = try Self.check(world, scratch, &random, users: users, hint) else { return }
            moved += checked.moved
            filled += checked.filled
            rows += 1
        }
        #expect(moved > rows, "\(hint): windows did move, \(moved) rows in \(rows) readings")
        #expect(filled > 1000, "\(hint)")
    }

    /// Few rows over many events are read one by one, and many rows whose events are too many at once in parts.
    @Test func busyEntities() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 7, users: 1, cards: 1, span: 3000 * World.second)
        for _ in 0..<4 {
            world.clock.advance(by: World.second)
            try world.commit(stream.next(1000))
        }
        let scratch = ReadScratch()
        for count in [2, 4, 300] {
            let rows = (0..<count).map { index in
                let time = World.start + (3000 + Int64(index)) * World.second
                return EntityRow(
                    point: ReadPoint(asOf: Instant(microseconds: time), knownAt: .distantFuture),
                    request: 0
                )
            }
            var next = 0
            let key = World.key(0, 0)
            _ = try key.withUnsafeBytes { key throws in
                try world.store.read(world.plan, key: key, rows: rows[...], scratch) { index in
                    #expect(index == next)
                    next += 1
                    let found = Self.answers(world, scratch)
                    if (try? world.read(0, 0, rows[index].point)) != found {
                        Issue.record("row \(index) of \(count): a lookup says something else")
                        return false
                    }
                    return true
                }
            }
            #expect(next == count)
            // 4000 events behind a `lifetime` window: more than 512 a row.
            #expect(scratch.isBegun.contains(true) == (count > 4))
        }
    }
}
