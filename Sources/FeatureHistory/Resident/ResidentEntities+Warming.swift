// Before a batch of lookups: what their entities are made of, brought into the processor's cache all at once.
//
//     all locks --> all index cells --> all slots --> all first vectors --> all unlocks
//
// A lookup of one entity waits for three cache misses, each at an address that the one before gives; a lock between two entities
// keeps the processor from beginning the second one's. Here the misses of all entities overlap.

extension ResidentEntities {
    /// Warms the cache for reads of these entities. A hint: shards that somebody is in are passed over, and whatever else is
    /// under the same half of a hash may be warmed instead.
    ///
    /// It waits for nothing while it has a lock, so the order in which locks are taken does not matter.
    func warm(_ hashes: UnsafeBufferPointer<UInt64>) {
        shards.withUnsafeBufferPointer { shards in
            withUnsafeTemporaryAllocation(of: (hash: UInt64, slot: Int).self, capacity: hashes.count) { held in
                var count = 0
                for hash in hashes where shards[Self.place(hash)].lock.enterAtOnce() {
                    held[count] = (hash, -1)
                    count += 1
                }
                guard count > 0 else { return }
                for each in 0..<count {
                    let hash = held[each].hash
                    held[each].slot = shards[Self.place(hash)].likelySlot(hash)
                }
                var sum = 0
                for (hash, slot) in held[..<count] where slot >= 0 { sum &+= shards[Self.place(hash)].touchSlot(slot) }
                for (hash, slot) in held[..<count] where slot >= 0 {
                    sum &+= shards[Self.place(hash)].touchVectors(slot)
                }
                shards[Self.place(held[0].hash)].touched = sum
                for (hash, _) in held[..<count] { shards[Self.place(hash)].lock.leave() }
            }
        }
    }
}

// Inside the lock; each reads what the one before has named.
extension ResidentShard {
    /// The slot that an entity most likely has, by half of its hash; -1: none.
    @inline(__always)
    fileprivate func likelySlot(_ hash: UInt64) -> Int {
        index.find(hash: UInt32(truncatingIfNeeded: hash)) { _ in true } ?? -1
    }

    @inline(__always)
    fileprivate func touchSlot(_ slot: Int) -> Int { slots.withUnsafeBufferPointer { $0[slot].touch() } }

    @inline(__always)
    fileprivate func touchVectors(_ slot: Int) -> Int { slots.withUnsafeBufferPointer { $0[slot].vectors.touch() } }
}
