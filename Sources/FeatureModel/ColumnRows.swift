// Rows of a source as columns, where they stand in somebody's memory: what a client sends of a file, and what ingest takes in.
//
//   times     i64 | ...      offsets   i64 | ...
//   column    nulls: a bit a row, or nil      values: by the type      strings: one behind the other

/// Rows as columns. It borrows every byte: do not let it leave the closure that lent them. Numbers are little-endian and
/// stand at any address.
public struct ColumnRows {
    public struct Column {
        public var field: Field
        /// Bit `row % 8` of byte `row / 8`: null; nil where no row is.
        public var nulls: UnsafeRawBufferPointer?
        /// int64, timestamp, float64: 8 bytes a row; bool: a byte, 0 or 1; string: its length, 4 bytes.
        public var values: UnsafeRawBufferPointer
        /// The bytes of all strings in the order of the rows, valid UTF-8 each; empty for other types.
        public var strings: UnsafeRawBufferPointer

        public init(
            field: Field,
            nulls: UnsafeRawBufferPointer?,
            values: UnsafeRawBufferPointer,
            strings: UnsafeRawBufferPointer
        ) {
            self.field = field
            self.nulls = nulls
            self.values = values
            self.strings = strings
        }

        @inlinable
        public func isNull(_ row: Int) -> Bool { nulls.map { $0[row >> 3] >> UInt8(row & 7) & 1 != 0 } ?? false }
    }

    /// Rows; each array has as many.
    public var count: Int
    /// Event times, microseconds.
    public var times: UnsafeRawBufferPointer
    /// What tells the rows apart: (time, offset) strictly ascends from row to row.
    public var offsets: UnsafeRawBufferPointer
    public var columns: [Column]

    public init(count: Int, times: UnsafeRawBufferPointer, offsets: UnsafeRawBufferPointer, columns: [Column]) {
        self.count = count
        self.times = times
        self.offsets = offsets
        self.columns = columns
    }

    @inlinable
    public func time(_ row: Int) -> Int64 {
        Int64(littleEndian: times.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
    }

    @inlinable
    public func offset(_ row: Int) -> Int64 {
        Int64(littleEndian: offsets.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
    }
}
