public import FeatureModel

import RocksDB

/// How far the store had come at one commit.
public struct StoreSnapshot: Sendable {
    /// The commit's arrival; the epoch before the first.
    public var commit: Instant
    /// The offset to go on from, of every stream that was ever consumed, in the order of the streams.
    public var offsets: [StreamOffset]
}

extension FeatureStore {
    /// The newest commit with exactly the offsets that it left. Blocking; holds the writer lock for one short scan.
    public func snapshot() throws(StoreError) -> StoreSnapshot {
        try writer.withLock { () throws(StoreError) in
            var offsets: [StreamOffset] = []
            var iterator = try storing { () throws(RocksDBError) in try database.makeIterator(in: families.offsets) }
            iterator.seekToFirst()
            while iterator.isValid {
                guard let stream = StoreKeys.number(in: iterator.key), let next = StoreKeys.number(in: iterator.value)
                else { throw StoreError(.corruption, "a stored offset of \(iterator.value.count) bytes") }
                offsets.append(StreamOffset(stream: StreamID(rawValue: stream), next: Int64(bitPattern: next)))
                iterator.next()
            }
            try check(iterator)
            return StoreSnapshot(commit: newestCommit, offsets: offsets)
        }
    }
}
