import FeatureModel
import Windowing

/// The resident structure in front of RocksDB: all shards. Safe to use from any thread.
final class ResidentEntities: Sendable {
    private static let shardBits = 8
    let shards: [ResidentShard]

    init(treeShape: TreeShape) {
        shards = (0..<(1 << Self.shardBits)).map { _ in ResidentShard(treeShape: treeShape) }
    }

    @inline(__always)
    func shard(_ hash: UInt64) -> ResidentShard {
        shards[Int(truncatingIfNeeded: hash >> (64 - UInt64(Self.shardBits)))]
    }

    /// Adds a commit's rows, shard by shard, so that each lock is taken once.
    func append(_ batch: EventBatch, history: UInt32, isNewComplete: Bool) {
        let count = batch.count
        guard count > 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { hashes in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { order in
                var starts = [Int](repeating: 0, count: shards.count + 1)
                // All identities side by side: built once, read twice.
                let identities = EntityIdentities(batch, history: history)
                for row in 0..<count {
                    let hash = EntityIdentity.hash(identities[row])
                    hashes.initializeElement(at: row, to: hash)
                    starts[Int(hash >> (64 - UInt64(Self.shardBits))) + 1] += 1
                }
                for shard in 0..<shards.count { starts[shard + 1] += starts[shard] }
                var next = starts
                // A counting sort keeps the rows of a shard in log order, which is mostly time order: appends stay appends.
                for row in 0..<count {
                    let shard = Int(hashes[row] >> (64 - UInt64(Self.shardBits)))
                    order.initializeElement(at: next[shard], to: Int32(truncatingIfNeeded: row))
                    next[shard] += 1
                }
                guard let hashBase = hashes.baseAddress else { return identities.free() }
                defer { identities.free() }
                for shard in 0..<shards.count where starts[shard + 1] > starts[shard] {
                    let rows = UnsafeBufferPointer(
                        rebasing: UnsafeBufferPointer(order)[starts[shard]..<starts[shard + 1]]
                    )
                    shards[shard].append(
                        rows,
                        of: batch,
                        identities: identities,
                        hashes: hashBase,
                        isNewComplete: isNewComplete
                    )
                }
            }
        }
    }

    var residentBytes: Int { shards.reduce(0) { $0 + $1.residentBytes } }

    /// Frees about `bytes`, spread over the shards; returns what was freed.
    func evict(bytes: Int, foldedThrough: Int64) -> Int {
        let share = bytes / shards.count + 1
        return shards.reduce(0) { $0 + $1.evict(bytes: share, foldedThrough: foldedThrough) }
    }

    var vectorCounts: (hits: UInt64, misses: UInt64) {
        shards.reduce(into: (0, 0)) { total, shard in
            let part = shard.vectorCounts
            total.0 &+= part.hits
            total.1 &+= part.misses
        }
    }

    var population: (entities: Int, complete: Int) {
        shards.reduce(into: (0, 0)) { total, shard in
            let part = shard.population
            total.0 += part.entities
            total.1 += part.complete
        }
    }
}
