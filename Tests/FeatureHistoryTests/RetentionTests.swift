import FeatureModel
import FeatureTesting
import RocksDB
import Testing
import Windowing

@testable import FeatureHistory

/// History that is dropped: every answer is the oracle's over all events, or says OUTSIDE_RETENTION where the oracle does.
@Suite struct RetentionTests {
    static let history: Int64 = 40 * World.second

    /// `lifetime` of every function over every column that it takes, and windows that reach less far than the history, as
    /// far, and further.
    static func definition(isGrown: Bool) -> FeatureStoreDefinition {
        var definition = World.definition(isGrown: isGrown)
        var all: [Aggregation] = []
        let columns: [Field?] = [nil] + World.fields.map { $0 }
        for function in AggregateFunction.allCases {
            for column in columns where function.resultType(of: column?.type) != nil {
                for window in windows(of: function) {
                    all.append(
                        Aggregation(
                            name: "g\(all.count)",
                            function: function,
                            parameters: parameters(of: function),
                            column: column?.name,
                            timeWindow: window,
                            offset: all.count % 5 == 0 ? 3 * World.second : 0
                        )
                    )
                }
            }
        }
        for (function, column, category) in [
            (AggregateFunction.count, nil, "word"), (.sum, "amount", "flag"), (.last, "word", "quantity"),
            (.min, "quantity", "word"), (.stddevPop, "quantity", "flag"), (.approxPercentile, "amount", "word"),
        ] as [(AggregateFunction, String?, String)] {
            for window in [TimeWindow.lifetime, .sliding(microseconds: 20 * World.second)] {
                all.append(
                    Aggregation(
                        name: "g\(all.count)",
                        function: function,
                        parameters: parameters(of: function),
                        column: column,
                        groupBy: category,
                        timeWindow: window
                    )
                )
            }
        }
        // The card's history has few columns of its own; the user's has them all.
        definition.featureViews[0].aggregations = all
        for index in definition.featureViews.indices {
            definition.featureViews[index].history = .microseconds(history)
        }
        return definition
    }

    private static func windows(of function: AggregateFunction) -> [TimeWindow] {
        let sometimes: [TimeWindow] = [
            .sliding(microseconds: 10 * World.second), .sliding(microseconds: history),
            .sliding(microseconds: 100 * World.second), .events(4), .series(count: 3, step: 10 * World.second),
        ]
        // Lists of lists and of maps there are none.
        let isPlain = [.count, .sum, .mean, .min, .last].contains(function)
        return [.lifetime] + (isPlain ? sometimes : [])
    }

    private static func parameters(of function: AggregateFunction) -> FunctionParameters {
        switch function {
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN, .topK: FunctionParameters(n: 3)
        case .approxPercentile: FunctionParameters(percentile: 0.5)
        case .decayedSum, .decayedCount: FunctionParameters(halfLife: 20 * World.second)
        case .countDistinct: FunctionParameters(maxDistinct: 12)
        default: FunctionParameters()
        }
    }

    /// Records dated around the clock, some of them late by up to the history: what ingest would accept.
    static func records(
        _ stream: inout RecordStream,
        _ count: Int,
        _ world: TestStore,
        _ random: inout SplitMix64
    ) -> [World.Record] {
        let now = world.clock.now.microseconds
        let earliest = max(now - history, world.store.catalog.sources["s"]?.horizon.microseconds ?? .min)
        return stream.next(count).map { record in
            var record = record
            let lateness =
                random.oneIn(3)
                ? Int64.random(in: 0...history, using: &random) : Int64.random(in: 0...World.second, using: &random)
            // Whole quarters of a second: ties in time are common.
            record.event.time = max(earliest, (now - lateness) / (World.second / 4) * (World.second / 4))
            // Dates of a minute ahead are accepted too.
            if random.oneIn(40) { record.event.time = now + 20 * World.second }
            return record
        }
    }

    static func point(_ world: TestStore, _ random: inout SplitMix64) -> ReadPoint {
        let now = world.clock.now.microseconds
        let back = random.oneIn(3) ? 150 * World.second : 30 * World.second
        let known = random.oneIn(3) ? world.arrivals.randomElement(using: &random) ?? now : Int64.max
        return ReadPoint(
            asOf: Instant(microseconds: now - Int64.random(in: -World.second...back, using: &random)),
            knownAt: Instant(microseconds: known),
            boundary: random.oneIn(2) ? .strict : .inclusive
        )
    }

    @Test(arguments: TestSeeds.list(5))
    func readsEqualTheOracle(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let hint = TestSeeds.hint(seed)
        let users = [1, 3, 20].randomElement(using: &random) ?? 3
        var options = StoreOptions()
        options.unfoldedEventsMax = [1, 50, 1_000_000].randomElement(using: &random) ?? 50
        if random.oneIn(2) {
            options.treeShape = TreeShape(
                leafEvents: Int.random(in: 2...9, using: &random),
                children: Int.random(in: 3...6, using: &random)
            )
        }
        let world = try TestStore(options: options, definition: Self.definition(isGrown:))
        var stream = RecordStream(seed: seed, users: users, cards: 2, isExtreme: random.oneIn(4))
        var outside = 0
        for _ in 0..<100 {
            switch Int.random(in: 0..<16, using: &random) {
            case 0..<9:
                world.clock.advance(by: Int64.random(in: 0...(4 * World.second), using: &random))
                let count = Int.random(in: 1...(random.oneIn(5) ? 90 : 8), using: &random)
                try world.commit(Self.records(&stream, count, world, &random))
            case 9: try world.store.fold()
            case 10, 11: _ = try world.store.maintain()
            case 12: while try world.store.retain() {}
            case 13: world.store.evictAll()
            case 14: try world.reopen()
            default: break
            }
            for _ in 0..<2 {
                let user = Int64.random(in: 0...Int64(users), using: &random)
                let point = Self.point(world, &random)
                guard try world.check(user, user % 2, point, hint) else { return }
                outside += try world.read(user, user % 2, point).count { $0.status == .outsideRetention }
            }
        }
        while try world.store.retain() {}
        let horizon = try #require(world.store.catalog.sources["s"]).horizon
        #expect(horizon.microseconds > World.start, "the horizon moved, \(hint)")
        #expect(outside > 0, "some questions came too late, \(hint)")
        world.store.evictAll()
        for user in 0..<Int64(users) {
            for _ in 0..<4 {
                let point = Self.point(world, &random)
                guard try world.check(user, user % 2, point, "at the end, \(hint)") else { return }
            }
        }
        // What is gone is gone from the disk.
        let kept = world.users.values.reduce(0) { total, events in
            total + events.count - NaiveOracle.dropped(events, before: horizon.microseconds).count
        }
        try world.store.fold()
        #expect(try Self.storedEvents(world.store, history: 1) == kept, "\(hint)")
    }

    static func storedEvents(_ store: FeatureStore, history: UInt32) throws -> Int {
        var iterator = try store.database.makeIterator(in: store.families.leaves)
        iterator.seekToFirst()
        var count = 0
        while iterator.isValid {
            let id = iterator.key.loadUnaligned(as: UInt32.self).bigEndian
            let batch = EventBatch(types: store.catalog.histories.first { $0.id == id }?.types ?? [])
            try LeafCodec.decode(iterator.value, into: batch)
            if id == history { count += batch.count }
            iterator.next()
        }
        return count
    }

    /// `lifetime` does not know that history is dropped: the same bits as from a store that keeps everything.
    @Test(arguments: TestSeeds.list(2))
    func lifetimeIsThatOfAStoreThatKeepsAll(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let short = try TestStore(definition: Self.definition(isGrown:))
        let whole = try TestStore { isGrown in
            var definition = Self.definition(isGrown: isGrown)
            for index in definition.featureViews.indices { definition.featureViews[index].history = .forever }
            return definition
        }
        var stream = RecordStream(seed: seed, users: 2, cards: 2, isExtreme: true)
        for step in 0..<60 {
            for world in [short, whole] { world.clock.advance(by: 3 * World.second) }
            let records = Self.records(&stream, 40, short, &random)
            try short.commit(records)
            try whole.commit(records)
            while try short.store.retain() {}
            if step % 7 == 0 { short.store.evictAll() }
            if step % 13 == 0 { try short.reopen() }
        }
        #expect(whole.store.catalog.sources["s"]?.horizon == .distantPast)
        let now = ReadPoint(asOf: short.clock.now, knownAt: .distantFuture)
        for user in Int64(0)..<2 {
            let (found, wanted) = (try short.read(user, 0, now), try whole.read(user, 0, now))
            let lifetime = short.store.catalog.definition.featureViews[0].aggregations.enumerated().filter {
                $0.element.timeWindow == .lifetime
            }
            #expect(lifetime.count > 50)
            for (index, aggregation) in lifetime {
                #expect(found[index] == wanted[index], "\(aggregation.function) \(TestSeeds.hint(seed))")
            }
        }
    }

    /// A feature that asks for the whole past after some of it is gone has no answer, where the entity has lost events.
    @Test func aLaterLifetimeFeatureNeedsReplay() throws {
        let world = try TestStore { isGrown in
            var definition = World.definition(isGrown: false)
            definition.featureViews[0].aggregations = [
                Aggregation(name: "before", function: .sum, column: "quantity", timeWindow: .lifetime)
            ]
            if isGrown {
                definition.featureViews[0].aggregations += [
                    Aggregation(name: "count", function: .count, column: "quantity", timeWindow: .lifetime),
                    Aggregation(name: "after", function: .max, column: "quantity", timeWindow: .lifetime),
                    Aggregation(name: "other", function: .stddevPop, column: "quantity", timeWindow: .lifetime),
                ]
            }
            for index in definition.featureViews.indices {
                definition.featureViews[index].history = .microseconds(Self.history)
            }
            return definition
        }
        func record(_ user: Int64, _ offset: Int64) -> World.Record {
            let event = OracleEvent(
                time: world.clock.now.microseconds - 1,
                arrival: 0,
                position: OracleEvent.Place(offset: offset),
                values: [.float64(1), .int64(offset + 5), .null, .null, .null]
            )
            return World.Record(user: user, card: 0, event: event)
        }
        try world.commit([record(0, 0), record(0, 1)])
        world.clock.advance(by: 2 * Self.history)
        try world.commit([record(0, 2), record(1, 3)])
        while try world.store.retain() {}
        try world.grow()
        world.clock.advance(by: World.second)
        let now = ReadPoint(asOf: world.clock.now, knownAt: .distantFuture)
        let lost = Array(try world.read(0, 0, now).prefix(4))
        #expect(lost[0] == OracleAnswer(value: .int64(18), status: .present, newest: lost[0].newest))
        // A count is part of every column's state; the others are not.
        #expect(lost[1].value == .int64(3))
        #expect(lost[2] == OracleAnswer(value: .null, status: .outsideRetention, newest: nil))
        #expect(lost[3] == OracleAnswer(value: .null, status: .outsideRetention, newest: nil))
        let whole = Array(try world.read(1, 0, now).prefix(4))
        #expect(whole.map(\.value) == [.int64(8), .int64(1), .int64(8), .float64(0)])
        #expect(whole.allSatisfy { $0.status == .present })
    }

    @Test func leasesHoldHistory() throws {
        let world = try TestStore(definition: Self.definition(isGrown:))
        var random = SplitMix64(seed: 1)
        var stream = RecordStream(seed: 1, users: 2, cards: 2)
        func horizon() throws -> Instant { try #require(world.store.catalog.sources["s"]).horizon }
        func pass(_ seconds: Int64) throws {
            world.clock.advance(by: seconds * World.second)
            try world.commit(Self.records(&stream, 5, world, &random))
            while try world.store.retain() {}
        }
        try pass(100)
        let first = try horizon()
        #expect(
            first.microseconds == world.arrivals[0] - Self.history - HorizonStep.microseconds(history: Self.history)
        )
        let reader = Instant(microseconds: world.arrivals[0])
        try world.store.leaseHistory(knownAt: reader)
        try pass(50)
        #expect(try horizon() == first, "held")
        for _ in 0..<100 {
            try world.store.leaseHistory(knownAt: reader)
            try pass(30)
        }
        #expect(try horizon() == first, "held as long as it is used")
        for _ in 0..<30 {
            try? world.store.leaseHistory(knownAt: Instant(microseconds: world.arrivals[1]))
            try pass(30)
        }
        #expect(try horizon() > first, "but not for ever")
        #expect(throws: StoreError.self, "who began before must begin anew") {
            try world.store.leaseHistory(knownAt: reader)
        }
        let second = try horizon()
        try world.store.leaseHistory(knownAt: Instant(microseconds: world.arrivals[5]))
        try pass(70)
        #expect(try horizon() > second, "a lease that nobody uses holds nothing")
    }

    /// What stands in a base is checked before it is believed.
    @Test(arguments: TestSeeds.list(4))
    func damagedBasesAreNeverStates(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let world = try TestStore(definition: Self.definition(isGrown:))
        var stream = RecordStream(seed: seed, users: 1, cards: 1, isExtreme: seed % 2 == 0)
        for _ in 0..<30 {
            world.clock.advance(by: 5 * World.second)
            try world.commit(Self.records(&stream, 20, world, &random))
        }
        while try world.store.retain() {}
        let identity = Self.identity(of: world)
        let types = world.store.catalog.histories[0].types
        let batch = EventBatch(types: types)
        let writer = LeafWriter(database: world.store.database, families: world.store.families)
        let base = try #require(try writer.readAll(identity, into: batch))
        #expect(base.count > 1000)
        func isRead(_ bytes: [UInt8]) -> Bool {
            var events = EntityEvents()
            defer { events.free() }
            let isRead = bytes.withUnsafeBytes { events.setBase($0, types: types) }
            if isRead { #expect(events.encodedBase != nil) }
            return isRead
        }
        #expect(isRead(base))
        var again = EntityEvents()
        defer { again.free() }
        #expect(base.withUnsafeBytes { again.setBase($0, types: types) } && again.encodedBase == base)
        for length in 0..<base.count { #expect(!isRead(Array(base.prefix(length))), "\(length) bytes") }
        for _ in 0..<3000 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // Read or refused, but never a trap.
            _ = isRead(bytes)
        }
    }

    private static func identity(of world: TestStore) -> [UInt8] {
        let history = world.store.catalog.histories[0].id
        return World.userKey(0).withUnsafeBytes { EntityIdentity(history: history, key: $0).copy }
    }
}
