// Events of one history as columns: what ingest hands to a commit, what a journal row holds, what a leaf decodes to.
//
//   times     i64 | ...      arrivals i64 | ...      streams u64 | ...      offsets i64 | ...
//   nulls     u64 | ...      bit c set: column c is null
//   column c  u64 | ...      slots; a string's slot is offset << 32 | length into `strings`
//   keys      (offset u32, length u32) | ...  into `keyBytes`; absent in leaves, whose key is the entity's
//
// One allocation of capacity x (6 + columns) words, reused from commit to commit.

public import FeatureModel

/// A reusable columnar batch of events of one history. Owned by one thread at a time.
public final class EventBatch {
    public let columnCount: Int
    public let types: [ValueType]
    /// Where the source's `event_id` and the mark of duplicates are; nil: every event counts.
    public let eventID: EventIDColumns?
    /// A bit for each column that holds strings.
    let stringColumns: UInt64
    public private(set) var count = 0
    private var capacity: Int
    private var block: UnsafeMutablePointer<UInt64>
    /// Bytes of entity keys and of string values.
    public var keyBytes: [UInt8] = []
    public var strings: [UInt8] = []

    /// Arrays before the columns: times, arrivals, streams, offsets, nulls, keys.
    static let fixedArrays = 6
    private static let nullArray = 4
    private static let keyArray = 5

    public init(types: ColumnTypes, capacity: Int = 256) {
        self.types = types.values
        eventID = types.eventID
        columnCount = types.count
        stringColumns = types.indices.reduce(0) { types[$1] == .string ? $0 | 1 << UInt64($1) : $0 }
        self.capacity = max(16, capacity)
        block = .allocate(capacity: self.capacity * (Self.fixedArrays + types.count))
    }

    /// A batch of the same rows in another order: row r stands at `places[r]`. Its rows have no keys, and share the strings.
    public init(_ other: EventBatch, places: UnsafePointer<Int32>) {
        types = other.types
        eventID = other.eventID
        stringColumns = other.stringColumns
        columnCount = other.columnCount
        count = other.count
        capacity = max(16, other.count)
        strings = other.strings
        block = .allocate(capacity: capacity * (Self.fixedArrays + columnCount))
        // Array by array: one is read from front to end, and written at a few hundred places that move on.
        for which in 0..<(Self.fixedArrays + columnCount) where which != Self.keyArray {
            let (source, target) = (other.words(which), words(which))
            for row in 0..<count { target[Int(places[row])] = source[row] }
        }
        words(Self.keyArray).update(repeating: 0, count: count)
    }

    deinit { block.deallocate() }

    /// What another batch of the same columns is made with.
    public var columnTypes: ColumnTypes { ColumnTypes(types, eventID: eventID) }

    @inline(__always) private func words(_ index: Int) -> UnsafeMutablePointer<UInt64> { block + index * capacity }
    private func integers(_ index: Int) -> UnsafeMutablePointer<Int64> {
        UnsafeMutableRawPointer(words(index)).assumingMemoryBound(to: Int64.self)
    }

    /// Where a row's first word stands, and how far it is from there to the same row of the next array.
    @inline(__always)
    func words(of row: Int) -> (UnsafePointer<UInt64>, stride: Int) { (UnsafePointer(block + row), capacity) }

    public var times: UnsafeMutablePointer<Int64> { integers(0) }
    public var arrivals: UnsafeMutablePointer<Int64> { integers(1) }
    public var streams: UnsafeMutablePointer<UInt64> { words(2) }
    public var offsets: UnsafeMutablePointer<Int64> { integers(3) }
    public var nulls: UnsafeMutablePointer<UInt64> { words(Self.nullArray) }
    /// Offset in `keyBytes` in the high half, length in the low half.
    public var keys: UnsafeMutablePointer<UInt64> { words(Self.keyArray) }
    public func column(_ index: Int) -> UnsafeMutablePointer<UInt64> { words(Self.fixedArrays + index) }

    public func removeAll() {
        count = 0
        keyBytes.removeAll(keepingCapacity: true)
        strings.removeAll(keepingCapacity: true)
    }

    /// Makes room for `more` further rows and says where they start; the caller fills every array of them.
    public func appendRows(_ more: Int) -> Int {
        if count + more > capacity { grow(to: max(count + more, capacity * 2)) }
        defer { count += more }
        return count
    }

    /// Adds a row with its key; the caller fills its columns and null word, the commit its arrival.
    public func appendRow(_ order: EventOrder, key: UnsafeRawBufferPointer) -> Int {
        let row = appendRows(1)
        let words = block + row
        words[0] = UInt64(bitPattern: order.time)
        words[capacity] = 0
        words[2 * capacity] = order.stream
        words[3 * capacity] = UInt64(bitPattern: order.offset)
        words[Self.keyArray * capacity] = UInt64(keyBytes.count) << 32 | UInt64(key.count)
        keyBytes.append(contentsOf: key)
        return row
    }

    /// A row's first column, of which each further one stands `stride` slots behind; and its null word.
    public func cells(of row: Int) -> (
        UnsafeMutablePointer<UInt64>, stride: Int, nulls: UnsafeMutablePointer<UInt64>
    ) {
        (block + (Self.fixedArrays * capacity + row), capacity, block + (Self.nullArray * capacity + row))
    }

    /// Forgets the rows from `count` on.
    public func truncate(to count: Int) { self.count = min(count, self.count) }

    /// Copies one row over another; its key and strings stay where they are.
    public func move(_ row: Int, to target: Int) {
        for which in 0..<(Self.fixedArrays + columnCount) { words(which)[target] = words(which)[row] }
    }

    private func grow(to newCapacity: Int) {
        let arrays = Self.fixedArrays + columnCount
        let grown = UnsafeMutablePointer<UInt64>.allocate(capacity: newCapacity * arrays)
        for which in 0..<arrays { (grown + which * newCapacity).initialize(from: words(which), count: count) }
        block.deallocate()
        block = grown
        capacity = newCapacity
    }

    /// The entity key's bytes of a row, valid until the batch changes.
    public func withKey<R>(_ row: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let slot = keys[row]
        return keyBytes.withUnsafeBytes { bytes in
            let start = Int(slot >> 32)
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(slot & 0xffff_ffff))]))
        }
    }

    public func order(_ row: Int) -> (time: Int64, stream: UInt64, offset: Int64) {
        (times[row], streams[row], offsets[row])
    }

    public func eventOrder(_ row: Int) -> EventOrder {
        EventOrder(time: times[row], stream: streams[row], offset: offsets[row])
    }

    /// Null bits for the columns that an event was stored without.
    public static func missingColumns(from columns: Int) -> UInt64 { columns >= 64 ? 0 : ~0 << UInt64(columns) }

    public func isNull(_ column: Int, _ row: Int) -> Bool { nulls[row] & (1 << UInt64(column)) != 0 }

    /// Stores string bytes and returns their slot.
    public func store(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let offset = strings.count
        strings.append(contentsOf: bytes)
        return UInt64(offset) << 32 | UInt64(bytes.count)
    }

    /// Copies rows of another batch to the end of this one, without their keys.
    ///
    /// - Precondition: the same columns. Rows that were passed over would be lost.
    public func append(_ rows: Range<Int>, of other: EventBatch) {
        precondition(other.columnCount == columnCount, "the same columns")
        guard !rows.isEmpty else { return }
        let start = appendRows(rows.count)
        for which in 0..<(Self.fixedArrays + columnCount) {
            (words(which) + start).update(from: other.words(which) + rows.lowerBound, count: rows.count)
        }
        keys.advanced(by: start).update(repeating: 0, count: rows.count)
        for place in 0..<columnCount where types[place] == .string {
            for row in start..<(start + rows.count) where !isNull(place, row) {
                column(place)[row] = other.withString(column(place)[row]) { store($0) }
            }
        }
    }

    /// Drops the string bytes from `mark` on, but for those of the rows' columns, which move.
    ///
    /// - Parameter rows: the only ones whose strings begin at `mark` or later; strings of their other columns are lost.
    public func keepStrings(from mark: Int, of rows: Range<Int>, in columns: [Int]) {
        guard strings.count > mark else { return }
        let old = rows.isEmpty ? [] : Array(strings[mark...])
        strings.removeSubrange(mark...)
        for row in rows {
            for index in columns where !isNull(index, row) {
                let slot = column(index)[row]
                let start = Int(slot >> 32) - mark
                column(index)[row] = old.withUnsafeBytes {
                    store(UnsafeRawBufferPointer(rebasing: $0[start..<(start + Int(slot & 0xffff_ffff))]))
                }
            }
        }
    }

    func withString<R>(_ slot: UInt64, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        strings.withUnsafeBytes { bytes in
            let start = Int(slot >> 32)
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(slot & 0xffff_ffff))]))
        }
    }

    public func string(_ slot: UInt64) -> ArraySlice<UInt8> {
        let offset = Int(slot >> 32)
        return strings[offset..<(offset + Int(slot & 0xffff_ffff))]
    }
}
