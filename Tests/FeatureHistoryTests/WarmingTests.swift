import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Warming is a hint: it changes nothing, and it waits for nobody.
@Suite struct WarmingTests {
    @Test func nothingChanges() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 3, users: 40, cards: 4)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(400))
        let store = world.store
        let point = ReadPoint(
            asOf: Instant(microseconds: World.start + 200 * World.second),
            knownAt: .distantFuture
        )
        func cells(warming: Bool) throws -> [[FeatureValue?]] {
            let scratch = ReadScratch()
            return try (Int64(0)..<50).map { user in
                let before = (store.resident.vectorCounts, store.resident.population, store.resident.residentBytes)
                // Entities that are here, others that are not, one twice; more of them than it takes at a time.
                if warming { store.warm((user..<(user + 40)).map { $0 } + [user], world.plan, scratch) }
                #expect(store.resident.vectorCounts == before.0 && store.resident.population == before.1)
                #expect(store.resident.residentBytes == before.2)
                try World.key(user, user % 4).withUnsafeBytes { key in
                    try store.read(world.plan, key: key, at: point, scratch)
                }
                return world.plan.features.indices.map {
                    scratch.cells.value($0, type: world.plan.features[$0].type)
                }
            }
        }
        let cold = try cells(warming: false)
        let warm = try cells(warming: true)
        #expect(cold == warm)
        #expect(cold.contains { $0.contains { $0 != nil } })
        // With nobody in memory, and with nothing asked for.
        store.evictAll()
        store.warm([1, 2, 3], world.plan, ReadScratch())
        store.warm([], world.plan, ReadScratch())
    }

    /// A commit that is in a shard is not waited for, nor the shards that are held by then.
    @Test(.timeLimit(.minutes(1))) func aBusyShardIsPassedOver() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 5, users: 16, cards: 1)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(100))
        let store = world.store
        let plan = world.plan
        for shard in store.resident.shards {
            shard.lock.withLock { TestThread { store.warm(Array(Int64(0)..<16), plan, ReadScratch()) }.join() }
        }
        // All locks were given back.
        for shard in store.resident.shards {
            #expect(shard.lock.enterAtOnce())
            shard.lock.leave()
        }
    }
}

extension FeatureStore {
    /// Warms users with card 0.
    func warm(_ users: [Int64], _ plan: LookupPlan, _ scratch: ReadScratch) {
        let keys = users.map { World.key($0, 0) }
        keys.flatMap { $0 }.withUnsafeBytes { bytes in
            var (start, lengths) = (0, keys.map(\.count)[...])
            warm(plan, count: users.count, scratch) {
                guard let length = lengths.popFirst() else { return nil }
                defer { start += length }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)])
            }
        }
    }
}
