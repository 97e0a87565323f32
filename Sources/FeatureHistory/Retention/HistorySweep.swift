import FeatureModel
import RocksDB
import Windowing

/// Takes what has left history out of leaves, entity by entity, each in one batch:
///
///   first leaf (base) | leaf | leaf | leaf ...        before
///   <===== dropped =====> cut <=== kept ===
///   first leaf (base', what is kept of the cut one) | leaf ...
///
/// A reader sees an entity before or after: its first leaf names its base, and both move together.
struct HistorySweep {
    let database: Database
    let families: ColumnFamilies
    let history: HistorySchema
    let retention: Retention
    let treeShape: TreeShape

    /// Goes on at `cursor` (nil begins) for up to `entitiesMax` entities.
    ///
    /// - Parameter write: commits a batch.
    /// - Returns: where to go on; nil at the end.
    func run(
        from cursor: [UInt8]?,
        entitiesMax: Int,
        _ write: (borrowing WriteBatch) throws(StoreError) -> Void
    ) throws(StoreError) -> [UInt8]? {
        var iterator = try storing { () throws(RocksDBError) in
            try database.makeIterator(
                in: families.leaves,
                lowerBound: cursor ?? StoreKeys.history(history.id),
                upperBound: StoreKeys.history(history.id &+ 1),
                fillCache: false
            )
        }
        iterator.seekToFirst()
        var writes = WriteBatch()
        var entities = 0
        while iterator.isValid {
            guard let identity = StoreKeys.identity(in: iterator.key), StoreKeys.leafStart(in: iterator.key) == .first
            else { throw StoreError(.corruption, "a leaf's key is not one, or an entity's first leaf is missing") }
            if entities == entitiesMax {
                try write(writes)
                return identity
            }
            entities += 1
            try sweep(identity, &iterator, into: &writes)
            if writes.byteCount >= 1 << 20 {
                try write(writes)
                writes.clear()
            }
        }
        try check(iterator)
        try write(writes)
        return nil
    }

    /// Sweeps the entity at whose first leaf the iterator stands, and moves on to the next entity.
    private func sweep(_ identity: [UInt8], _ iterator: inout RocksDB.Iterator, into writes: inout WriteBatch)
        throws(StoreError)
    {
        if let first = try LeafCodec.firstTime(iterator.value), first < retention.horizon {
            var events = EntityEvents(shape: treeShape)
            defer { events.free() }
            try take(identity, &iterator, into: &events, &writes)
        }
        skip(identity, &iterator)
    }

    /// Reads leaves until one is kept at least in part, and writes what is left of them, if anything is to go.
    private func take(
        _ identity: [UInt8],
        _ iterator: inout RocksDB.Iterator,
        into events: inout EntityEvents,
        _ writes: inout WriteBatch
    ) throws(StoreError) {
        let leaf = EventBatch(types: history.types, capacity: LeafCodec.eventsMax)
        var hasMore = false
        var isFirst = true
        var read = 0
        var taken: [[UInt8]] = []
        while iterator.isValid, isFirst || iterator.key.starts(with: identity) {
            leaf.removeAll()
            let trailer = try LeafCodec.decode(iterator.value, into: leaf)
            if isFirst {
                hasMore = trailer.hasMore
                if let base = trailer.base, !base.withUnsafeBytes({ events.setBase($0, types: history.types) }) {
                    throw StoreError(.corruption, "the base of an entity is not readable")
                }
            } else {
                taken.append(Array(iterator.key))
            }
            for row in 0..<leaf.count { events.insert(row, of: leaf) }
            read += leaf.count
            isFirst = false
            iterator.next()
            guard let last = leaf.count > 0 ? leaf.count - 1 : nil,
                (0...last).allSatisfy({ leaf.times[$0] < retention.horizon && leaf.arrivals[$0] < retention.horizon })
            else { break }
        }
        // An iterator that failed looks like the end of the entity.
        try check(iterator)
        let isLast = !(iterator.isValid && iterator.key.starts(with: identity))
        events.drop(before: retention.horizon, keeping: retention.kept)
        // An instant that goes on in a further leaf may keep all that was read.
        guard events.count < read else { return }
        for key in taken { writes.delete(key, in: families.leaves) }
        leaf.removeAll()
        events.copy(arrivedAfter: .min, through: .max, to: leaf)
        let trailer = LeafCodec.Trailer(hasMore: hasMore && !isLast, base: events.encodedBase)
        writes.put(
            LeafWriter.key(identity, .first),
            LeafCodec.encode(leaf, rows: 0..<leaf.count, trailer),
            in: families.leaves
        )
    }

    private func skip(_ identity: [UInt8], _ iterator: inout RocksDB.Iterator) {
        var steps = 0
        while iterator.isValid, iterator.key.starts(with: identity) {
            steps += 1
            if steps > 8 { iterator.seek(to: LeafWriter.upperBound(identity)) } else { iterator.next() }
        }
    }
}
