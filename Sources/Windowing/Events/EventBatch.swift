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
    public private(set) var count = 0
    private var capacity: Int
    private var block: UnsafeMutablePointer<UInt64>
    /// Bytes of entity keys and of string values.
    public var keyBytes: [UInt8] = []
    public var strings: [UInt8] = []

    private static let fixedArrays = 6

    public init(types: ColumnTypes, capacity: Int = 256) {
        self.types = types.values
        eventID = types.eventID
        columnCount = types.count
        self.capacity = max(16, capacity)
        block = .allocate(capacity: self.capacity * (Self.fixedArrays + types.count))
    }

    deinit { block.deallocate() }

    /// What another batch of the same columns is made with.
    public var columnTypes: ColumnTypes { ColumnTypes(types, eventID: eventID) }

    @inline(__always) private func words(_ index: Int) -> UnsafeMutablePointer<UInt64> { block + index * capacity }
    private func integers(_ index: Int) -> UnsafeMutablePointer<Int64> {
        UnsafeMutableRawPointer(words(index)).assumingMemoryBound(to: Int64.self)
    }

    public var times: UnsafeMutablePointer<Int64> { integers(0) }
    public var arrivals: UnsafeMutablePointer<Int64> { integers(1) }
    public var streams: UnsafeMutablePointer<UInt64> { words(2) }
    public var offsets: UnsafeMutablePointer<Int64> { integers(3) }
    public var nulls: UnsafeMutablePointer<UInt64> { words(4) }
    /// Offset in `keyBytes` in the high half, length in the low half.
    public var keys: UnsafeMutablePointer<UInt64> { words(5) }
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
