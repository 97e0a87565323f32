// The rows of a batch, shard by shard.
//
//   batch   | row 0 | row 1 | row 2 | ...                  in the order in which they came
//   here    | rows of shard 0 | rows of shard 1 | ...      each in that order still, which is mostly time order: appends stay
//                                                          appends
//
// A commit's rows are more than a processor's near caches hold. Taken shard by shard from where they came they would be fetched
// from far away one by one, array by array; put side by side once, each shard's are read from front to end.

import FeatureModel
import Windowing

/// Rows side by side, with who they belong to. Must be `free`d by its owner; for one thread, but for reads.
struct ShardedRows {
    /// Without keys.
    let batch: EventBatch
    /// Of long ones the bytes stand in `longKeys`.
    let identities: UnsafeMutablePointer<StoredIdentity>
    let hashes: UnsafeMutablePointer<UInt64>
    /// Of each shard its first row, and where the last shard ends.
    private let starts: UnsafeMutablePointer<Int32>
    private let longKeys: UnsafeMutableRawPointer?

    init(_ rows: EventBatch, history: UInt32) {
        let count = rows.count
        let shardCount = ResidentEntities.shardCount
        starts = .allocate(capacity: shardCount + 1)
        starts.initialize(repeating: 0, count: shardCount + 1)
        identities = .allocate(capacity: max(1, count))
        hashes = .allocate(capacity: max(1, count))
        let (starts, identities, hashes) = (starts, identities, hashes)
        (batch, longKeys) = rows.keyBytes.withUnsafeBytes { keyBytes in
            let keys = RowIdentities(rows, keyBytes, history: history)
            let batch = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(1, count)) { ownHashes in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(1, count)) { places in
                    guard let ownHashes = ownHashes.baseAddress, let places = places.baseAddress else { return rows }
                    let hash = SeededHash.ofProcess
                    for row in 0..<count {
                        let own = keys[row].hash(hash)
                        ownHashes[row] = own
                        starts[ResidentEntities.place(own) + 1] += 1
                    }
                    for shard in 0..<shardCount { starts[shard + 1] += starts[shard] }
                    for row in 0..<count {
                        let shard = ResidentEntities.place(ownHashes[row])
                        let place = starts[shard]
                        starts[shard] = place + 1
                        places[row] = place
                        hashes[Int(place)] = ownHashes[row]
                        (identities + Int(place)).initialize(to: keys[row])
                    }
                    // Each shard's start has moved to its end: back by one shard.
                    for shard in (0..<shardCount).reversed() { starts[shard + 1] = starts[shard] }
                    starts[0] = 0
                    return EventBatch(rows, places: places)
                }
            }
            return (batch, keys.long)
        }
    }

    /// The rows of a shard.
    @inline(__always)
    subscript(shard: Int) -> Range<Int> { Int(starts[shard])..<Int(starts[shard + 1]) }

    func free() {
        starts.deallocate()
        identities.deallocate()
        hashes.deallocate()
        longKeys?.deallocate()
    }
}

/// The identities of a batch's rows: short ones are made when they are asked for, the bytes of long ones stand side by side.
private struct RowIdentities {
    private let keys: UnsafePointer<UInt64>
    private let keyBytes: UnsafeRawBufferPointer
    private let history: UInt32
    /// nil where no row has a long identity; else the owner's to free.
    let long: UnsafeMutableRawPointer?

    private static let headBytes = EntityIdentity.headBytes
    /// Two words.
    private static let shortKeyMax = 16

    /// - Parameter keyBytes: of the rows, lent for as long as this is asked.
    init(_ rows: EventBatch, _ keyBytes: UnsafeRawBufferPointer, history: UInt32) {
        let keys = UnsafePointer(rows.keys)
        self.keys = keys
        self.keyBytes = keyBytes
        self.history = history
        guard (0..<rows.count).contains(where: { keys[$0] & 0xffff_ffff > UInt64(Self.shortKeyMax) }) else {
            long = nil
            return
        }
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: keyBytes.count + (rows.count + 1) * Self.headBytes,
            alignment: 8
        )
        long = bytes
        for row in 0..<rows.count {
            let (start, count) = (Int(keys[row] >> 32), Int(keys[row] & 0xffff_ffff))
            let target = bytes + start + row * Self.headBytes
            target.storeBytes(of: history.bigEndian, as: UInt32.self)
            target.storeBytes(of: UInt16(truncatingIfNeeded: count).bigEndian, toByteOffset: 4, as: UInt16.self)
            guard count > 0, let source = keyBytes.baseAddress else { continue }
            (target + Self.headBytes).copyMemory(from: source + start, byteCount: count)
        }
    }

    /// The identity of a row; the bytes of a long one are borrowed.
    @inline(__always)
    subscript(row: Int) -> StoredIdentity {
        let (start, count) = (Int(keys[row] >> 32), Int(keys[row] & 0xffff_ffff))
        if let long {
            return StoredIdentity(
                borrowing: UnsafeRawBufferPointer(
                    start: long + start + row * Self.headBytes,
                    count: count + Self.headBytes
                )
            )
        }
        var (low, high): (UInt64, UInt64) = (0, 0)
        if start + Self.shortKeyMax <= keyBytes.count {
            // What follows the key is read too, and cut off.
            low = UInt64(littleEndian: keyBytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            high = UInt64(littleEndian: keyBytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self))
            if count <= 8 {
                low = count == 8 ? low : low & (1 << UInt64(count * 8) - 1)
                high = 0
            } else if count < 16 {
                high &= 1 << UInt64(count * 8 - 64) - 1
            }
        } else {
            for place in 0..<count {
                let byte = UInt64(keyBytes[start + place]) << UInt64(place % 8 * 8)
                if place < 8 { low |= byte } else { high |= byte }
            }
        }
        return StoredIdentity(history: history, low: low, high: high, byteCount: count)
    }
}
