import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Vectors that are kept from read to read: whatever happens between, answers are the oracle's.
@Suite struct KeptVectorTests {
    enum Kind: CaseIterable { case forever, bounded }

    /// Without functions whose values change with time itself.
    static func definition(_ kind: Kind) -> (Bool) -> FeatureStoreDefinition {
        { isGrown in
            var definition =
                kind == .forever
                ? World.definition(isGrown: isGrown) : RetentionTests.definition(isGrown: isGrown)
            for index in definition.featureViews.indices {
                definition.featureViews[index].aggregations.removeAll {
                    [.decayedSum, .decayedCount, .timeSinceLast, .timeSinceFirst].contains($0.function)
                }
            }
            return definition
        }
    }

    @Test(arguments: TestSeeds.list(12), Kind.allCases)
    func readsEqualTheOracle(seed: UInt64, kind: Kind) throws {
        var random = SplitMix64(seed: seed)
        var options = StoreOptions()
        options.memoryBudget = 64 << 20
        options.unfoldedEventsMax = [50, 1_000_000].randomElement(using: &random) ?? 50
        let world = try TestStore(options: options, definition: Self.definition(kind))
        var stream = RecordStream(seed: seed, users: 3, cards: 2)
        for _ in 0..<40 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5:
                world.clock.advance(by: Int64.random(in: 0...(4 * World.second), using: &random))
                let count = Int.random(in: 1...8, using: &random)
                try world.commit(
                    kind == .forever
                        ? stream.next(count) : RetentionTests.records(&stream, count, world, &random)
                )
            case 5: try world.store.fold()
            case 6: _ = try world.store.maintain()
            case 7: world.store.evictAll()
            // A bounded history has all columns from the beginning: the oracle's rule for grown ones is another.
            case 8 where !world.isGrown && kind == .forever: try world.grow()
            default: break
            }
            // One entity, several instants that are often close to each other, several K.
            let user = Int64.random(in: 0...3, using: &random)
            let card = Int64.random(in: 0...2, using: &random)
            var point = kind == .forever ? stream.point(world.arrivals) : RetentionTests.point(world, &random)
            for _ in 0..<6 {
                guard try world.check(user, card, point, TestSeeds.hint(seed)) else { return }
                let steps: [Int64] = [0, 1, 1000, World.second / 4, World.second]
                let step = steps.randomElement(using: &random) ?? 0
                point.asOf = point.asOf.advanced(by: random.oneIn(2) ? step : -step)
                if random.oneIn(3) { point.knownAt = .distantFuture }
                if random.oneIn(6) { point.boundary = point.boundary == .strict ? .inclusive : .strict }
            }
        }
        #expect(world.store.resident.vectorCounts.hits > 40, "\(world.store.resident.vectorCounts)")
        #expect(world.store.resident.vectorCounts.misses > 40, "\(world.store.resident.vectorCounts)")
    }

    /// Of an entity whose events are all dropped their arrivals still decide: before them K is OUTSIDE_RETENTION, at and after
    /// them it is not, whichever was asked first.
    @Test(arguments: [false, true])
    func arrivalsOfDroppedEventsDecide(isEarlyFirst: Bool) throws {
        let world = try TestStore(definition: Self.definition(.bounded))
        var random = SplitMix64(seed: 3)
        var stream = RecordStream(seed: 3, users: 1, cards: 1)
        world.clock.advance(by: World.second)
        try world.commit(RetentionTests.records(&stream, 5, world, &random).map { Self.dated($0, world) })
        let arrival = try #require(world.arrivals.last)
        world.clock.advance(by: 3 * RetentionTests.history)
        // Of somebody else: a horizon is moved with a commit.
        try world.commit(RetentionTests.records(&stream, 1, world, &random).map { Self.of(9, Self.dated($0, world)) })
        try world.store.fold()
        while try world.store.retain() {}
        #expect(try #require(world.store.catalog.sources["s"]).horizon.microseconds > arrival)
        let early = ReadPoint(asOf: world.clock.now, knownAt: Instant(microseconds: arrival - 1))
        let late = ReadPoint(asOf: world.clock.now, knownAt: .distantFuture)
        for point in isEarlyFirst ? [early, late, early, late] : [late, early, late, early] {
            guard try world.check(0, 0, point, "early first: \(isEarlyFirst)") else { return }
        }
        let answers = try world.read(0, 0, early)
        #expect(answers.contains { $0.status == .outsideRetention }, "the case is there")
    }

    private static func dated(_ record: World.Record, _ world: TestStore) -> World.Record {
        var record = record
        record.event.time = world.clock.now.microseconds - World.second
        return record
    }

    private static func of(_ user: Int64, _ record: World.Record) -> World.Record {
        var record = record
        (record.user, record.card) = (user, user)
        return record
    }

    /// Many plans take turns at one entity: at most some vectors are kept, each for its own plan.
    @Test func plansDoNotMix() throws {
        let world = try TestStore(definition: Self.definition(.forever))
        var stream = RecordStream(seed: 7, users: 1, cards: 1)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(60))
        let references = world.plan.features.map(\.reference)
        let plans = try references.map { try LookupPlan([$0], in: world.store.catalog) }
        let scratch = ReadScratch()
        let (all, key) = (ReadScratch(), World.key(0, 0))
        let keys = [World.userKey(0), World.cardKey(0)]
        let planCounts = keys.map { key in
            plans.count { plan in key.withUnsafeBytes { FeatureStore.isKey($0, of: plan) } }
        }
        for round in 0..<4 {
            let point = ReadPoint(
                asOf: Instant(microseconds: World.start + 200 * World.second + Int64(round)),
                knownAt: .distantFuture
            )
            try key.withUnsafeBytes { key in
                try world.store.read(world.plan, key: key, at: point, all)
                for (index, plan) in plans.enumerated() {
                    let own = try #require(
                        keys.first { key in
                            key.withUnsafeBytes { FeatureStore.isKey($0, of: plan) }
                        }
                    )
                    #expect(own.withUnsafeBytes { world.store.readResident(plan, key: $0, at: point, scratch) })
                    let type = plan.features[0].type
                    #expect(scratch.cells.value(0, type: type) == all.cells.value(index, type: type))
                    #expect(scratch.cells.statuses[0] == all.cells.statuses[index])
                    #expect(scratch.cells.eventTimes[0] == all.cells.eventTimes[index])
                }
            }
        }
        // An entity with more plans than it keeps vectors for misses them all in each round, one with fewer only in the first.
        #expect(planCounts.contains { $0 > KeptVectors.countMax })
        let expected = planCounts.reduce(0) { $0 + ($1 > KeptVectors.countMax ? 0 : 3 * $1) }
        let hits = world.store.resident.vectorCounts.hits
        #expect(hits == expected)
        // One plan alone is answered again.
        let point = ReadPoint(asOf: Instant(microseconds: World.start), knownAt: .distantFuture)
        for _ in 0..<3 {
            _ = World.userKey(0).withUnsafeBytes { world.store.readResident(plans[0], key: $0, at: point, scratch) }
        }
        #expect(world.store.resident.vectorCounts.hits - hits >= 2)
    }

    /// Lookups that come back to the same few instants are answered from the second time on, whatever is asked as of now
    /// meanwhile; one as of now has one vector, which moves with it.
    @Test func severalInstantsAreKept() throws {
        let world = try TestStore(definition: Self.definition(.forever))
        var stream = RecordStream(seed: 11, users: 1, cards: 1)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(200))
        let key = World.userKey(0)
        let feature = try #require(
            world.plan.features.map(\.reference).first { reference in
                guard let plan = try? LookupPlan([reference], in: world.store.catalog) else { return false }
                return key.withUnsafeBytes { FeatureStore.isKey($0, of: plan) }
                    && plan.parts.contains(where: \.windows.isSteady)
            }
        )
        let plan = try LookupPlan([feature], in: world.store.catalog)
        let scratch = ReadScratch()
        func read(_ seconds: Int64) {
            let point = ReadPoint(
                asOf: Instant(microseconds: World.start + seconds * World.second),
                knownAt: .distantFuture
            )
            #expect(key.withUnsafeBytes { world.store.readResident(plan, key: $0, at: point, scratch) })
        }
        // Far apart: there are events between each two of them. The oldest first and the oldest last.
        for past: [Int64] in [[-50_000, 1, 50_000], [50_000, 1, -50_000]] {
            for seconds in past { read(seconds) }
            let before = world.store.resident.vectorCounts
            for now in [Int64](100_000...100_050) {
                read(now)
                for seconds in past { read(seconds) }
            }
            let after = world.store.resident.vectorCounts
            #expect(after.hits - before.hits >= 51 * 3, "\(before) \(after)")
        }
    }
}
