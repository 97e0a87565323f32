import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// A source with an `event_id`: what a producer sent more than once counts once, at every K.
@Suite struct DuplicateTests {
    /// Of `RetentionTests`' features; `eventID` is one of the world's fields.
    static func definition(_ eventID: String?, _ history: HistoryLength) -> FeatureStoreDefinition {
        var definition = RetentionTests.definition(isGrown: false)
        for index in definition.featureViews.indices { definition.featureViews[index].history = history }
        definition.sources[0].eventID = eventID
        return definition
    }

    /// Records of three partitions, whose ids are few; many repeat the time and the id of one that was sent before.
    struct Producer {
        var stream: RecordStream
        var sent: [World.Record] = []
        var next: [Int64] = [0, 0, 0]

        mutating func records(_ count: Int, _ world: TestStore, _ random: inout SplitMix64) -> [World.Record] {
            let horizon = world.store.catalog.sources["s"]?.horizon.microseconds ?? .min
            let earliest = max(world.clock.now.microseconds - RetentionTests.history, horizon)
            var records: [World.Record] = []
            for var record in RetentionTests.records(&stream, count, world, &random) {
                let number = Int64.random(in: 0...3, using: &random)
                // One is empty, and two differ in the last byte only.
                record.event.values[1] = number == 0 ? .null : .int64(number << 40)
                record.event.values[2] = [.null, .string(""), .string("order a"), .string("order b")][Int(number)]
                let copied = (sent.suffix(30) + records).randomElement(using: &random)
                if random.oneIn(2), let copied, copied.event.time >= earliest {
                    (record.user, record.card) = (copied.user, copied.card)
                    record.event.time = copied.event.time
                    record.event.values[1] = copied.event.values[1]
                    record.event.values[2] = copied.event.values[2]
                }
                let partition = Int.random(in: 0..<3, using: &random)
                record.event.position = OracleEvent.Place(partition: partition, offset: next[partition])
                next[partition] += 1
                records.append(record)
            }
            sent += records
            return records
        }
    }

    @Test(arguments: TestSeeds.list(6), [false, true])
    func readsEqualTheOracle(seed: UInt64, isDropping: Bool) throws {
        var random = SplitMix64(seed: seed)
        let hint = TestSeeds.hint(seed)
        let users = [1, 2, 8].randomElement(using: &random) ?? 2
        var options = StoreOptions()
        options.unfoldedEventsMax = [1, 50, 1_000_000].randomElement(using: &random) ?? 50
        if !random.oneIn(3) {
            options.treeShape = TreeShape(
                leafEvents: Int.random(in: 2...9, using: &random),
                children: Int.random(in: 3...6, using: &random)
            )
        }
        let id = random.oneIn(2) ? "word" : "quantity"
        let definition = Self.definition(id, isDropping ? .microseconds(RetentionTests.history) : .forever)
        let world = try TestStore(options: options) { _ in definition }
        #expect(world.eventID != nil)
        var producer = Producer(stream: RecordStream(seed: seed, users: users, cards: 2))
        var differing = 0
        for _ in 0..<100 {
            switch Int.random(in: 0..<16, using: &random) {
            case 0..<9:
                world.clock.advance(by: Int64.random(in: 0...(isDropping ? 4 : 1) * World.second, using: &random))
                let count = Int.random(in: 1...(random.oneIn(5) ? 90 : 8), using: &random)
                try world.commit(producer.records(count, world, &random))
            case 9: try world.store.fold()
            case 10, 11: _ = try world.store.maintain()
            case 12: while try world.store.retain() {}
            case 13: world.store.evictAll()
            case 14: try world.reopen()
            default: break
            }
            for _ in 0..<2 {
                let user = Int64.random(in: 0...Int64(users), using: &random)
                let point = RetentionTests.point(world, &random)
                guard try world.check(user, user % 2, point, hint) else { return }
                let (all, known) = (world.users[user] ?? [], point.knownAt.microseconds)
                let (newest, then) = (
                    NaiveOracle.withoutDuplicates(all, world.eventID, knownAt: .max),
                    NaiveOracle.withoutDuplicates(all, world.eventID, knownAt: known)
                )
                if newest.filter({ $0.arrival <= known }) != then.filter({ $0.arrival <= known }) { differing += 1 }
            }
        }
        #expect(differing > 0, "at some K an event counted that was a duplicate later, \(hint)")
        while try world.store.retain() {}
        world.store.evictAll()
        for user in 0..<Int64(users) {
            for _ in 0..<6 {
                let point = RetentionTests.point(world, &random)
                guard try world.check(user, user % 2, point, "at the end, \(hint)") else { return }
            }
        }
        let horizon = try #require(world.store.catalog.sources["s"]).horizon
        #expect(isDropping == (horizon > .distantPast))
        let kept = world.users.values.reduce(0) { total, events in
            let gone = NaiveOracle.dropped(events, before: horizon.microseconds, eventID: world.eventID)
            return total + events.count - gone.count
        }
        try world.store.fold()
        #expect(try RetentionTests.storedEvents(world.store, history: 1) == kept, "\(hint)")
    }

    /// A day is one instant to some producers.
    @Test func manyIdsAtOneInstantStayUsable() throws {
        var definition = World.definition(isGrown: false)
        definition.sources[0].eventID = "quantity"
        let world = try TestStore { _ in definition }
        let count: Int64 = 5000
        func record(_ id: Int64, _ offset: Int64) -> World.Record {
            let event = OracleEvent(
                time: World.start,
                arrival: 0,
                position: OracleEvent.Place(offset: offset),
                values: [.float64(1), .int64(id), .null, .null, .null]
            )
            return World.Record(user: 0, card: 0, event: event)
        }
        // Each id twice, the second time in the reverse order.
        try world.commit((0..<count).map { record($0, $0) })
        try world.commit((0..<count).map { record(count - 1 - $0, count + $0) })
        let point = ReadPoint(asOf: Instant(microseconds: World.start + 1), knownAt: .distantFuture)
        #expect(try world.read(0, 0, point)[0].value == .int64(count))
        try world.store.fold()
        world.store.evictAll()
        #expect(try world.read(0, 0, point)[0].value == .int64(count))
    }

    /// History drops no instant in part: one that fills more than a leaf stays as a whole while one of its events is young.
    @Test func anInstantOfManyLeavesIsKeptWhole() throws {
        let definition = Self.definition("quantity", .microseconds(RetentionTests.history))
        let world = try TestStore { _ in definition }
        func record(_ time: Int64, _ offset: Int64) -> World.Record {
            let event = OracleEvent(
                time: time,
                arrival: 0,
                position: OracleEvent.Place(offset: offset),
                values: [.float64(1), .int64(offset % 500), .null, .null, .null]
            )
            return World.Record(user: 0, card: 0, event: event)
        }
        let instant = World.start + World.second
        world.clock.advance(by: 2 * World.second)
        try world.commit((0..<700).map { record(instant, $0) })
        world.clock.advance(by: 30 * World.second)
        try world.commit([record(instant, 700)])
        try world.store.fold()
        for (seconds, kept) in [(20, 702), (40, 2)] as [(Int64, Int)] {
            world.clock.advance(by: seconds * World.second)
            try world.commit([record(world.clock.now.microseconds, 800 + seconds)])
            while try world.store.retain() {}
            world.store.evictAll()
            let now = ReadPoint(asOf: world.clock.now, knownAt: .distantFuture)
            try world.check(0, 0, now, "after \(seconds) s")
            try world.store.fold()
            let horizon = try #require(world.store.catalog.sources["s"]).horizon
            #expect(horizon.microseconds > instant + World.second)
            #expect(try RetentionTests.storedEvents(world.store, history: 1) == kept)
        }
    }

    /// What is stored was read under one rule: no other one can come over it.
    @Test(arguments: [nil, "word", "quantity"], [nil, "word", "quantity"])
    func anotherEventIDNeedsAnotherName(before: String?, after: String?) throws {
        let folder = TemporaryFolder()
        let store = try FeatureStore(directory: folder.path, options: StoreOptions()) { Instant(microseconds: 1) }
        defer { store.close() }
        try store.apply(Self.definition(before, .forever), definitionHash: "one", files: [])
        _ = try store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        var without = Self.definition(nil, .forever)
        without.featureViews = []
        try store.apply(without, definitionHash: "two", files: [])
        let changed = Self.definition(after, .forever)
        if before == after {
            try store.apply(changed, definitionHash: "three", files: [])
        } else {
            #expect(throws: StoreError.self) { try store.apply(changed, definitionHash: "three", files: []) }
        }
    }
}
