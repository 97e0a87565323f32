import FeatureModel
import FeatureTesting
import Glibc
import Synchronization
import Testing
import Windowing

@testable import FeatureHistory

/// Warming is a hint: it changes nothing, and it waits for nobody.
@Suite struct WarmingTests {
    private func world(users: Int, seed: UInt64) throws -> TestStore {
        let world = try TestStore()
        var stream = RecordStream(seed: seed, users: users, cards: 4)
        world.clock.advance(by: 1000)
        try world.commit(stream.next(400))
        return world
    }

    private let point = ReadPoint(
        asOf: Instant(microseconds: World.start + 200 * World.second),
        knownAt: .distantFuture
    )

    @Test func nothingChanges() throws {
        let world = try world(users: 40, seed: 3)
        let store = world.store
        func cells(warming: Bool) throws -> [[FeatureValue?]] {
            let scratch = ReadScratch()
            return try (Int64(0)..<50).map { user in
                if warming {
                    let before = (store.resident.vectorCounts, store.resident.population, store.resident.residentBytes)
                    // Entities that are here, some with vectors and some that are not here, two of them twice; more than it takes.
                    store.warm([user, user + 7, user, 99, user + 7] + Array(user..<(user + 20)), world.plan, scratch)
                    #expect(store.resident.vectorCounts == before.0 && store.resident.population == before.1)
                    #expect(store.resident.residentBytes == before.2)
                }
                try World.key(user, user % 4).withUnsafeBytes { key in
                    guard !store.readResident(world.plan, key: key, at: point, scratch) else { return }
                    try store.read(world.plan, key: key, at: point, scratch)
                }
                return world.plan.features.indices.map {
                    scratch.cells.value($0, type: world.plan.features[$0].type)
                }
            }
        }
        let first = try cells(warming: true)
        // From here on vectors are kept.
        let second = try cells(warming: false)
        let third = try cells(warming: true)
        #expect(first == second && second == third)
        #expect(first.contains { $0.contains { $0 != nil } } && store.resident.vectorCounts.hits > 0)
    }

    /// What is read to warm the cache is kept where the compiler must leave it alone.
    @Test func itReadsWhatIsThere() throws {
        let world = try world(users: 16, seed: 9)
        let shards = world.store.resident.shards
        let users = Array(Int64(0)..<16)
        func touchedShards() -> Int {
            for shard in shards { shard.lock.withLock { shard.touched = 0 } }
            world.store.warm(users, world.plan, ReadScratch())
            return shards.count { shard in shard.lock.withLock { shard.touched != 0 } }
        }
        #expect(touchedShards() == 1)
        try world.store.fold()
        world.store.evictAll()
        #expect(world.store.resident.population.entities == 0)
        #expect(touchedShards() == 0)
        world.store.warm([], world.plan, ReadScratch())
    }

    /// A commit that is in a shard is not waited for, and all locks are given back.
    @Test func aBusyShardIsPassedOver() throws {
        let world = try world(users: 16, seed: 5)
        let (store, plan) = (world.store, world.plan)
        let isDone = Atomic<Bool>(false)
        try withExtendedLifetime(isDone) {
            for shard in store.resident.shards {
                isDone.store(false, ordering: .releasing)
                // A lock that were waited for would be free after these seconds: the test fails, and ends.
                let (thread, isInTime) = shard.lock.withLock {
                    let thread = TestThread {
                        store.warm(Array(Int64(0)..<16), plan, ReadScratch())
                        isDone.store(true, ordering: .releasing)
                    }
                    for _ in 0..<20_000 where !isDone.load(ordering: .acquiring) { usleep(500) }
                    return (thread, isDone.load(ordering: .acquiring))
                }
                thread.join()
                try #require(isInTime)
            }
        }
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
