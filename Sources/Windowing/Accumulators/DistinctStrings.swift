// How often each string of a column occurs, exactly: `DistinctValues` for byte strings, with bytes of its own.
//
//   entries:  ascending by bytes                           | 32 bytes each, see `StringTable` |
//   pending:  strings that `entries` has not, in the order they came; only once there are many
//   table:    the bytes of both
//
// The bound is that of `DistinctValues`: a function of the union of strings, in any order of adding and merging.

public struct DistinctStrings: Sendable {
    private var entries: [StringEntry] = []
    private var pending: [StringEntry] = []
    private var table = StringTable()
    private var distinctMax: Int
    private var hasOverflowed = false

    /// Bytes outside of the value.
    var heapBytes: Int {
        (entries.capacity + pending.capacity) * MemoryLayout<StringEntry>.stride + table.bytes.capacity
    }

    private static let directMax = 64

    /// Nil sets no bound.
    public init(maxDistinct: Int? = nil) { distinctMax = max(0, maxDistinct ?? .max) }

    /// Adds one occurrence of a string.
    public mutating func add(_ string: UnsafeRawBufferPointer) { add(string, count: 1) }

    mutating func add(_ string: UnsafeRawBufferPointer, count: Int64) {
        if hasOverflowed { return }
        let prefix = StringTable.prefix(of: string)
        let (place, isFound) = table.find(string, prefix, in: entries)
        if isFound {
            entries[place].count &+= count
        } else if entries.count < Self.directMax {
            entries.insert(table.entry(for: string, prefix: prefix, count: count), at: place)
            if entries.count > distinctMax { overflow() }
        } else {
            pending.append(table.entry(for: string, prefix: prefix, count: count))
            if pending.count >= max(Self.directMax, entries.count / 2) { settle() }
        }
    }

    /// Adds all occurrences of another multiset. Of two bounds the lower one counts.
    public mutating func merge(_ other: DistinctStrings) {
        distinctMax = min(distinctMax, other.distinctMax)
        let others = other.settled
        if others.hasOverflowed { overflow() }
        if hasOverflowed { return }
        if others.entries.count < entries.count / 8 {
            others.forEach { add($0, count: $1) }
            return
        }
        settle()
        if hasOverflowed { return }
        let offset = table.append(others.table)
        join(others.entries, movedBy: offset)
    }

    /// Sorts in what waits. Reading does the same on a copy each time.
    private mutating func settle() {
        if pending.isEmpty { return }
        var sorted = pending
        pending = []
        table.bytes.withUnsafeBytes { bytes in sorted.sort { StringTable.compare($0, $1, in: bytes) < 0 } }
        join(sorted, movedBy: 0)
    }

    /// One pass over two ascending lists whose bytes stand in the table; a string may stand several times in theirs.
    private mutating func join(_ theirs: [StringEntry], movedBy offset: Int) {
        let ours = entries
        var joined: [StringEntry] = []
        joined.reserveCapacity(ours.count + theirs.count)
        var own = 0
        for var entry in theirs {
            entry.offset += offset
            var isKnown = false
            table.bytes.withUnsafeBytes { bytes in
                while own < ours.count, StringTable.compare(ours[own], entry, in: bytes) <= 0 {
                    joined.append(ours[own])
                    own += 1
                }
                if let last = joined.last { isKnown = StringTable.compare(last, entry, in: bytes) == 0 }
            }
            if isKnown {
                joined[joined.count - 1].count &+= entry.count
                table.drop(entry)
            } else {
                joined.append(entry)
            }
        }
        joined.append(contentsOf: ours[own...])
        entries = joined
        if entries.count > distinctMax { overflow() } else { table.compact(&entries) }
    }

    mutating func overflow() {
        hasOverflowed = true
        entries = []
        pending = []
        table = StringTable()
    }

    private var settled: DistinctStrings {
        if pending.isEmpty { return self }
        var copy = self
        copy.settle()
        return copy
    }
}

// MARK: - Results

extension DistinctStrings {
    /// Whether more than `maxDistinct` strings are distinct. There are no other results then.
    public var isOverflowed: Bool { settled.hasOverflowed }

    /// How many strings are distinct; nil when overflowed.
    public var distinctCount: Int? {
        let settled = settled
        return settled.hasOverflowed ? nil : settled.entries.count
    }

    /// The same or fewer, without a look at what is pending; more than any bound when overflowed.
    var distinctAtLeast: Int { hasOverflowed ? .max : entries.count }

    /// Calls back with each string and its count, ascending by bytes; not at all when overflowed.
    public func forEach(_ body: (UnsafeRawBufferPointer, Int64) -> Void) {
        let settled = settled
        settled.table.bytes.withUnsafeBytes { bytes in
            for entry in settled.entries { body(entry.string(in: bytes), entry.count) }
        }
    }

    /// The k most frequent strings, the most frequent first and equally frequent ones ascending by bytes; nil when
    /// overflowed.
    public func top(_ k: Int) -> [(bytes: [UInt8], count: Int64)]? {
        let settled = settled
        if settled.hasOverflowed { return nil }
        return settled.table.bytes.withUnsafeBytes { bytes in
            LargestCounts.places(k, of: settled.entries.lazy.map(\.count)).map { place in
                (Array(settled.entries[place].string(in: bytes)), settled.entries[place].count)
            }
        }
    }
}
