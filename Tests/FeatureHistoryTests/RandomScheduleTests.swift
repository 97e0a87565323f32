import Atomics
import FeatureModel
import FeatureTesting
import RocksDB
import Testing
import Windowing

@testable import FeatureHistory

/// Random commits, folds, evictions and restarts; every read equals the oracle.
@Suite struct RandomScheduleTests {
    @Test(arguments: TestSeeds.list(24))
    func readsEqualTheOracle(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let hint = TestSeeds.hint(seed)
        // Some worlds have two entities, whose leaves split again and again; some have dozens.
        let users = [2, 6, 40].randomElement(using: &random) ?? 6
        let cards = [1, 4, 20].randomElement(using: &random) ?? 4
        var options = StoreOptions()
        options.memoryBudget = 64 << 20
        options.unfoldedEventsMax = [1, 50, 400, 1_000_000].randomElement(using: &random) ?? 50
        options.syncsCommits = random.oneIn(4)
        let world = try TestStore(options: options)
        var stream = RecordStream(seed: seed, users: users, cards: cards, isExtreme: random.oneIn(4))
        for _ in 0..<60 {
            switch Int.random(in: 0..<16, using: &random) {
            case 0..<8:
                world.clock.advance(by: Int64.random(in: 0...(2 * World.second), using: &random))
                try world.commit(stream.next(Int.random(in: 1...(random.oneIn(5) ? 120 : 20), using: &random)))
            case 8, 9: try world.store.fold()
            case 10: _ = try world.store.maintain()
            case 11: world.store.evictAll()
            case 12: try world.reopen()
            case 13 where !world.isGrown && random.oneIn(2): try world.grow()
            default: break
            }
            for _ in 0..<2 {
                // One entity more than there are: nobody ever saw it.
                let user = Int64.random(in: 0...Int64(users), using: &random)
                let card = Int64.random(in: 0...Int64(cards), using: &random)
                guard try world.check(user, card, stream.point(world.arrivals), hint) else { return }
            }
        }
        try world.store.fold()
        world.store.evictAll()
        for user in 0...Int64(min(users, 8)) {
            guard try world.check(user, user % Int64(cards), stream.point(world.arrivals), "at the end, \(hint)") else {
                return
            }
        }
    }

    /// One entity with thousands of events: leaves split at the end, in the middle and at the beginning.
    @Test(arguments: TestSeeds.list(3))
    func leavesSplitEverywhere(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let world = try TestStore()
        var stream = RecordStream(seed: seed, users: 1, cards: 1)
        var batches = [stream.next(700), stream.next(300)]
        // In the middle of the second leaf, before the first event, and one event alone in front of a leaf.
        for (count, time) in [(300, 80), (200, -50), (1, 79), (260, 120)] as [(Int, Int64)] {
            batches.append(
                stream.next(count).map { record in
                    var late = record
                    late.event.time =
                        World.start + time * World.second + Int64.random(in: 0...World.second, using: &random)
                    return late
                }
            )
        }
        for batch in batches {
            world.clock.advance(by: 1000)
            try world.commit(batch)
            try world.store.fold()
            world.store.evictAll()
            #expect(world.store.resident.population.entities == 0)
            for _ in 0..<3 { try world.check(0, 0, stream.point(world.arrivals), TestSeeds.hint(seed)) }
            #expect(try Self.leafSizes(world.store).allSatisfy { $0 >= 1 && $0 <= LeafCodec.eventsMax })
        }
        #expect(try Self.leafSizes(world.store).count > 12, "two histories of 1761 events")
        #expect(try Self.leafSizes(world.store).reduce(0, +) == 2 * 1761, "each event stands in one leaf")
    }

    static func leafSizes(_ store: FeatureStore) throws -> [Int] {
        var iterator = try store.database.makeIterator(in: store.families.leaves)
        iterator.seekToFirst()
        var sizes: [Int] = []
        while iterator.isValid {
            let history = iterator.key.loadUnaligned(as: UInt32.self).bigEndian
            let batch = EventBatch(types: store.catalog.histories.first { $0.id == history }?.types ?? [])
            try LeafCodec.decode(iterator.value, into: batch)
            sizes.append(batch.count)
            iterator.next()
        }
        return sizes
    }

    /// A fold that died between its leaves and its final batch: events stand in leaves and in the journal.
    @Test(arguments: TestSeeds.list(4))
    func cutShortFold(seed: UInt64) throws {
        let world = try TestStore()
        var stream = RecordStream(seed: seed, users: 3, cards: 2)
        for _ in 0..<6 {
            world.clock.advance(by: 1000)
            try world.commit(stream.next(100))
        }
        // The leaves of a fold without its last batch: copy the directory, fold there, and bring the leaves back.
        let shards = world.store.resident.shards
        world.store.hasLeaves.store(true, ordering: .releasing)
        for (index, shard) in shards.enumerated() where index % 2 == 0 || seed % 2 == 0 {
            var entities: [(identity: [UInt8], events: EventBatch)] = []
            shard.unfolded(0..<shard.slotCount, after: .min, through: .max) { id in
                world.store.catalog.histories.first { $0.id == id }.map { EventBatch(types: $0.types) }
            } _: {
                entities.append(($0, $1))
            }
            for (identity, events) in entities {
                var writes = WriteBatch()
                try LeafWriter(database: world.store.database, families: world.store.families).merge(
                    events,
                    of: identity,
                    into: &writes
                )
                try world.store.database.write(writes, sync: false)
            }
        }
        for step in 0..<4 {
            switch step {
            case 0: try world.reopen()
            case 1: try world.store.fold()
            case 2: world.store.evictAll()
            default: try world.reopen()
            }
            for user in Int64(0)..<3 {
                try world.check(user, user % 2, stream.point(world.arrivals), "step \(step), \(TestSeeds.hint(seed))")
            }
        }
        #expect(try Self.leafSizes(world.store).reduce(0, +) == 2 * 600)
    }
}
