import FeatureModel
import Windowing

/// The resident structure in front of RocksDB: all shards. Safe to use from any thread.
final class ResidentEntities: Sendable {
    private static let shardBits = 8
    static let shardCount = 1 << shardBits
    let shards: [ResidentShard]

    init(treeShape: TreeShape) {
        shards = (0..<Self.shardCount).map { _ in ResidentShard(treeShape: treeShape) }
    }

    /// The shard of a hash.
    @inline(__always)
    static func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> (64 - UInt64(shardBits))) }

    @inline(__always)
    func shard(_ hash: UInt64) -> ResidentShard { shards[Self.place(hash)] }

    /// Adds a commit's rows, shard by shard, so that each lock is taken once.
    func append(_ batch: EventBatch, history: UInt32, isNewComplete: Bool) {
        guard batch.count > 0 else { return }
        let rows = ShardedRows(batch, history: history)
        defer { rows.free() }
        for (place, shard) in shards.enumerated() where !rows[place].isEmpty {
            shard.append(rows[place], of: rows, isNewComplete: isNewComplete)
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
