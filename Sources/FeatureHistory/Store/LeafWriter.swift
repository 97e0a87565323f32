import FeatureModel
import RocksDB
import Windowing

/// Merges new events of one entity into its leaves: reads the leaves they fall into, rewrites those and no others, and
/// splits what grew beyond `LeafCodec.eventsMax`.
struct LeafWriter {
    let database: Database
    let families: ColumnFamilies
    /// Whether there are no leaves of any entity yet, but for those that this writer writes, once an entity.
    var isFirst = false

    /// - Parameter events: oldest first. Events that a leaf holds already are dropped (invariant S3).
    func merge(_ events: EventBatch, of identity: [UInt8], into writes: inout WriteBatch) throws(StoreError) {
        guard events.count > 0 else { return }
        let leaf = EventBatch(types: events.columnTypes, capacity: LeafCodec.eventsMax)
        let firstKey = Self.key(identity, .first)
        let stored =
            isFirst ? nil : try storing { () throws(RocksDBError) in try database.get(firstKey, in: families.leaves) }
        let trailer = try stored.map { bytes throws(StoreError) in try Self.decode(bytes, into: leaf) }
        guard trailer?.hasMore ?? false else {
            return write(
                merged(leaf, events, 0..<events.count),
                identity,
                start: .first,
                isLast: true,
                base: trailer?.base,
                into: &writes
            )
        }
        try mergeIntoMany(events, of: identity, leaf, into: &writes)
    }

    /// The entity has several leaves: each run of events goes to the leaf that covers it.
    private func mergeIntoMany(
        _ events: EventBatch,
        of identity: [UInt8],
        _ leaf: EventBatch,
        into writes: inout WriteBatch
    ) throws(StoreError) {
        var iterator = try storing { () throws(RocksDBError) in
            try database.makeIterator(
                in: families.leaves,
                lowerBound: Self.key(identity, .first),
                upperBound: Self.upperBound(identity)
            )
        }
        var next = 0
        while next < events.count {
            iterator.seekForPrev(to: Self.key(identity, events.eventOrder(next)))
            guard iterator.isValid, let start = StoreKeys.leafStart(in: iterator.key) else {
                try check(iterator)
                throw StoreError(.corruption, "an entity's first leaf is missing")
            }
            leaf.removeAll()
            let trailer = try LeafCodec.decode(iterator.value, into: leaf)
            iterator.next()
            let bound = iterator.isValid ? StoreKeys.leafStart(in: iterator.key) : nil
            var end = next + 1
            while end < events.count, bound.map({ events.eventOrder(end) < $0 }) ?? true { end += 1 }
            write(
                merged(leaf, events, next..<end),
                identity,
                start: start,
                isLast: bound == nil,
                base: trailer.base,
                into: &writes
            )
            next = end
        }
        try check(iterator)
    }

    private func merged(_ leaf: EventBatch, _ events: EventBatch, _ rows: Range<Int>) -> EventBatch {
        if leaf.count == 0, rows == 0..<events.count { return events }
        // What is new is newer than what is there: the most usual case. Duplicates must meet each other.
        if let first = rows.first, leaf.count > 0, events.eventID == nil,
            leaf.eventOrder(leaf.count - 1) < events.eventOrder(first)
        {
            leaf.append(rows, of: events)
            return leaf
        }
        var all = EntityEvents()
        defer { all.free() }
        for row in 0..<leaf.count { all.insert(row, of: leaf) }
        for row in rows { all.insert(row, of: events) }
        let result = EventBatch(types: events.columnTypes, capacity: all.count)
        all.copy(arrivedAfter: .min, through: .max, to: result)
        return result
    }

    /// Writes events as one leaf or, when they are too many, as several: full ones while time grows at the end, even
    /// halves where late events fell into the middle, so that there is room for more.
    private func write(
        _ events: EventBatch,
        _ identity: [UInt8],
        start: EventOrder,
        isLast: Bool,
        base: [UInt8]?,
        into writes: inout WriteBatch
    ) {
        let most = LeafCodec.eventsMax
        let pieces = (events.count + most - 1) / most
        let size = isLast ? most : (events.count + pieces - 1) / pieces
        var from = 0
        var bytes = ByteWriter(capacity: 32 + min(size, events.count) * (16 + 9 * events.columnCount))
        while from < events.count {
            let to = min(events.count, from + size)
            var trailer = LeafCodec.Trailer()
            if start == .first, from == 0 {
                trailer = LeafCodec.Trailer(hasMore: pieces > 1 || !isLast, base: base)
            }
            bytes.removeAll()
            LeafCodec.encode(events, rows: from..<to, trailer, to: &bytes)
            let key = Self.key(identity, from == 0 ? start : events.eventOrder(from))
            key.withUnsafeBytes { key in bytes.withBytes { writes.put(key, $0, in: families.leaves) } }
            from = to
        }
    }

    /// Reads all events of an entity, oldest first.
    ///
    /// - Returns: the entity's base; nil when history has dropped nothing of it.
    func readAll(_ identity: [UInt8], into batch: EventBatch) throws(StoreError) -> [UInt8]? {
        let firstKey = Self.key(identity, .first)
        let first = try storing { () throws(RocksDBError) in try database.get(firstKey, in: families.leaves) }
        guard let first else { return nil }
        let trailer = try Self.decode(first, into: batch)
        guard trailer.hasMore else { return trailer.base }
        var iterator = try storing { () throws(RocksDBError) in
            try database.makeIterator(in: families.leaves, lowerBound: firstKey, upperBound: Self.upperBound(identity))
        }
        // The first leaf is read again here, with the others, from one consistent view: it may have been split since.
        batch.removeAll()
        iterator.seekToFirst()
        var base: [UInt8]?
        while iterator.isValid {
            base = try LeafCodec.decode(iterator.value, into: batch).base ?? base
            iterator.next()
        }
        try check(iterator)
        return base
    }

    private static func decode(_ bytes: [UInt8], into batch: EventBatch) throws(StoreError) -> LeafCodec.Trailer {
        var result: Result<LeafCodec.Trailer, StoreError> = .success(LeafCodec.Trailer())
        bytes.withUnsafeBytes { raw in
            do throws(StoreError) { result = .success(try LeafCodec.decode(raw, into: batch)) } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    static func key(_ identity: [UInt8], _ start: EventOrder) -> [UInt8] {
        var key = identity
        StoreKeys.appendLeafStart(start, to: &key)
        return key
    }

    /// The first key after all leaves of the entity.
    static func upperBound(_ identity: [UInt8]) -> [UInt8] {
        identity + [UInt8](repeating: 0xff, count: StoreKeys.leafStartBytes + 1)
    }
}
