// How often each value of a column occurs, exactly: for count_distinct, top_k and histograms over 8-byte slots.
//
//   entries:  | key: 8 | count: 8 |  ascending keys (`SlotOrder`); the first 3 within the value, nothing allocated
//   pending:  | key | key | ...      keys that `entries` has not, in the order they came; only once there are many
//
// A large table takes new keys into `pending` and sorts them in when they are half as many as its entries: an add costs
// a search, and a merge one pass over both. What is read is a function of the multiset of values alone.
//
// Bound. With `maxDistinct`, `isOverflowed` says whether more than that many values are distinct. A union only grows:
// once exceeded, the bound stays exceeded, in any order of adding and merging; the contents are dropped then.

public struct DistinctValues: Sendable {
    @usableFromInline
    struct Entry: SortedEntry {
        @usableFromInline var key: UInt64
        @usableFromInline var count: Int64
        @inlinable
        init(key: UInt64, count: Int64) {
            self.key = key
            self.count = count
        }
        @inlinable static var filler: Entry { Entry(key: 0, count: 0) }
        @inlinable
        mutating func absorb(_ other: Entry) { count &+= other.count }
    }

    @usableFromInline var entries = SortedEntries<3, Entry>()
    @usableFromInline let order: SlotOrder
    @usableFromInline var hasOverflowed = false
    @usableFromInline var pending: [UInt64] = []
    @usableFromInline var distinctMax: Int

    /// From this many entries on, new keys wait in `pending`.
    @usableFromInline static let directMax = 128

    /// Nil sets no bound.
    public init(order: SlotOrder, maxDistinct: Int? = nil) {
        self.order = order
        distinctMax = max(0, maxDistinct ?? .max)
    }

    /// Adds one occurrence of a value. -0.0 and 0.0 are two values here: ingest has made one of them.
    @inlinable
    public mutating func add(_ slot: UInt64) {
        if hasOverflowed { return }
        let key = order.key(slot)
        if entries.count < Self.directMax {
            entries.insert(Entry(key: key, count: 1))
            if entries.count > distinctMax { overflow() }
        } else if !entries.increment(key) {
            pending.append(key)
            if pending.count >= max(Self.directMax, entries.count / 2) { settle() }
        }
    }

    /// Adds all occurrences of another multiset. Of two bounds the lower one counts.
    public mutating func merge(_ other: DistinctValues) {
        distinctMax = min(distinctMax, other.distinctMax)
        settle()
        let others = other.settled
        if others.hasOverflowed { overflow() }
        if hasOverflowed { return }
        entries.merge(others.entries)
        if entries.count > distinctMax { overflow() }
    }

    /// Sorts in what waits. Reading does the same on a copy each time.
    @usableFromInline
    mutating func settle() {
        if pending.isEmpty { return }
        pending.sort()
        var run = SortedEntries<3, Entry>()
        for key in pending {
            if let last = run.heap.last, last.key == key {
                run.heap[run.heap.count - 1].count &+= 1
            } else {
                run.heap.append(Entry(key: key, count: 1))
            }
        }
        pending = []
        entries.merge(run)
        if entries.count > distinctMax { overflow() }
    }

    var settled: DistinctValues {
        if pending.isEmpty { return self }
        var copy = self
        copy.settle()
        return copy
    }

    @usableFromInline
    mutating func overflow() {
        hasOverflowed = true
        entries = SortedEntries()
        pending = []
    }
}

extension SortedEntries where Entry == DistinctValues.Entry {
    /// Counts one more of a key that is there; false when it is not.
    @inlinable
    mutating func increment(_ key: UInt64) -> Bool {
        let place = heap.withUnsafeBufferPointer { Self.lowerBound(of: key, in: $0) }
        guard place < heap.count, heap[place].key == key else { return false }
        heap[place].count &+= 1
        return true
    }
}
