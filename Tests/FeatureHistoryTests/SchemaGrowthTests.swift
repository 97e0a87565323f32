import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

@Suite struct SchemaGrowthTests {
    /// A column added after the source was consumed: null in older events, PARTIAL where a window reaches before the day
    /// it was added; a column that another view had all along reads the whole past.
    @Test func addedColumns() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 3, users: 1, cards: 1)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(300))
        for step in 0..<3 {
            if step == 1 { try world.store.fold() }
            if step == 2 { world.store.evictAll() }
            if step == 0 {
                world.clock.set(Instant(microseconds: World.start + 350 * World.second))
                try world.grow()
            }
            let now = ReadPoint(asOf: Instant(microseconds: World.start + 400 * World.second), knownAt: .distantFuture)
            let answers = try world.read(0, 0, now)
            #expect(answers == world.expected(0, 0, now))
            let more = answers.suffix(World.addedCount)
            // max(seen) and count(flag) over lifetime; last(seen) over a minute that begins before; sum(amount) is whole,
            // and by flag it is not.
            #expect(more.map(\.status) == [.partial, .partial, .partial, .nullValue, .partial, .partial])
            #expect(more.map(\.value) == [.null, .null, .int64(0), .null, .null, .null])
        }
        world.clock.advance(by: World.second)
        try world.commit(
            stream.next(20).map { record in
                var late = record
                late.event.time = world.clock.now.microseconds
                late.event.values[4] = .timestamp(Instant(microseconds: 77))
                return late
            }
        )
        for step in 0..<4 {
            if step == 1 { try world.store.fold() }
            if step == 2 { world.store.evictAll() }
            if step == 3 { try world.reopen() }
            let later = ReadPoint(
                asOf: Instant(microseconds: World.start + 411 * World.second),
                knownAt: .distantFuture
            )
            let answers = try world.read(0, 0, later)
            #expect(answers == world.expected(0, 0, later))
            #expect(
                answers.suffix(World.addedCount).map(\.status)[1] == .present,
                "a minute that begins after the column was added"
            )
        }
    }

    @Test func beforeTheFirstConsumptionNothingIsPartial() throws {
        let world = try TestStore(isConsumed: false)
        world.clock.advance(by: World.second)
        try world.grow()
        _ = try world.store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        world.clock.advance(by: World.second)
        var stream = RecordStream(seed: 4, users: 1, cards: 1)
        try world.commit(stream.next(50))
        let point = ReadPoint(asOf: Instant(microseconds: World.start + 400 * World.second), knownAt: .distantFuture)
        let answers = try world.read(0, 0, point)
        #expect(answers == world.expected(0, 0, point))
        #expect(!answers.contains { $0.status == .partial })
    }

    @Test func aStoredColumnKeepsItsType() throws {
        let world = try TestStore()
        var changed = World.definition(isGrown: false)
        changed.sources[0].schema[0].type = .int64
        let before = world.store.catalog.generation
        #expect { try world.store.apply(changed, definitionHash: "x", files: []) } throws: {
            ($0 as? StoreError)?.code == .refused
        }
        #expect(world.store.catalog.generation == before, "nothing was applied")
        #expect(world.store.catalog.definitionHash == "one")
    }

    @Test func availabilityIsDecidedOnceAndSurvives() throws {
        let world = try TestStore()
        let from = Instant(microseconds: World.start + 5 * World.second)
        for instant in [from, .distantPast] {
            world.clock.advance(by: 1000)
            try world.store.commit { _ throws(StoreError) in
                var commit = Commit()
                commit.availability = [("s", instant)]
                return commit
            }
        }
        for _ in 0..<2 {
            #expect(world.store.catalog.sources["s"]?.availableFrom == from)
            #expect(world.store.catalog.sources["s"]?.isAvailabilityDecided == true)
            try world.reopen()
        }
        var stream = RecordStream(seed: 4, users: 1, cards: 1)
        try world.commit(stream.next(50))
        let answers = try world.read(
            0,
            0,
            ReadPoint(asOf: Instant(microseconds: World.start + 300 * World.second), knownAt: .distantFuture)
        )
        #expect(answers[0].status == .partial, "lifetime")
        #expect(answers[1].status == .present, "ten seconds")
    }

    @Test func namesThatDoNotExistAreToldWithTheNearest() throws {
        let world = try TestStore()
        #expect { try LookupPlan([FeatureReference(view: "userz", feature: "f0")], in: world.store.catalog) } throws: {
            ($0 as? StoreError)?.code == .unknownName && "\($0)".contains("users")
        }
        #expect { try LookupPlan(service: "none", in: world.store.catalog) } throws: {
            ($0 as? StoreError)?.code == .unknownName
        }
    }

    @Test func keysAreChecked() throws {
        let world = try TestStore()
        func isKey(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { FeatureStore.isKey($0, of: world.plan) } }
        #expect(isKey(World.key(1, 2)))
        #expect(!isKey([]))
        #expect(!isKey(World.userKey(1)))
        #expect(!isKey(World.cardKey(1) + World.userKey(1)), "the order is the plan's")
        #expect(!isKey(World.key(1, 2) + [1]))
        #expect(!isKey(World.key(1, 2).dropLast() + []))
    }
}
