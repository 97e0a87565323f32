// EVENTS: rows of a file, column by column.
//
//   source string | definitionHash string | options u8 | columns u16 | count u32
//   columns x     name string | type u8
//   count x       time i64
//   count x       offset i64
//   columns x     nulls u8       0: none; 1: ceil(count / 8) bytes follow, bit set: null; the bits behind the last row are 0
//                 values         int64, timestamp, float64: count x 8 bytes    bool: count x u8 (0, 1)
//                                string: count x u32 length, then the bytes of all

public import FeatureModel
public import NIOCore

/// EVENTS as the client writes it. The server reads the same bytes with `EventsRequestView`.
public struct EventsRequest: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public var field: Field
        /// One a row: the bits of int64, float64 and timestamp, 0 or 1 of bool, the length of a string.
        public var slots: [UInt64]
        /// One a row; empty where none is null.
        public var isNull: [Bool]
        /// Of strings: the bytes of all, in the order of the rows.
        public var strings: [UInt8]

        public init(field: Field, slots: [UInt64], isNull: [Bool] = [], strings: [UInt8] = []) {
            self.field = field
            self.slots = slots
            self.isNull = isNull
            self.strings = strings
        }
    }

    public var source: String
    /// Of the definitions that the rows were made for.
    public var definitionHash: String
    /// Asks what would become of the rows; nothing is written.
    public var isDryRun: Bool
    /// Event times, microseconds.
    public var times: [Int64]
    /// Not negative; (time, offset) strictly ascends.
    public var offsets: [Int64]
    public var columns: [Column]

    public init(
        source: String,
        definitionHash: String,
        isDryRun: Bool = false,
        times: [Int64],
        offsets: [Int64],
        columns: [Column]
    ) {
        self.source = source
        self.definitionHash = definitionHash
        self.isDryRun = isDryRun
        self.times = times
        self.offsets = offsets
        self.columns = columns
    }

    /// Columns of one message; a record has at most as many fields.
    public static let columnsMax = 128
}

extension EventsRequest: WireMessage {
    public static let type = MessageType.events

    /// Copies the columns.
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        self = try body.withUnsafeReadableBytes { bytes throws(WireError) in
            let view = try EventsRequestView(bytes, limits: limits)
            let count = view.rows.count
            return EventsRequest(
                source: view.source,
                definitionHash: view.definitionHash,
                isDryRun: view.isDryRun,
                times: (0..<count).map { view.rows.time($0) },
                offsets: (0..<count).map { view.rows.offset($0) },
                columns: view.rows.columns.map { Column($0, count: count) }
            )
        }
    }

    /// - Throws: `BAD_REQUEST` when a column has not as many values as there are times, or a string is too long.
    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard let rows = UInt32(exactly: times.count), offsets.count == times.count else {
            throw WireError(.badRequest, "\(offsets.count) offsets for \(times.count) rows")
        }
        guard let width = UInt16(exactly: columns.count) else {
            throw WireError(.tooMany, "\(columns.count) columns")
        }
        // Grown step by step it would be copied as often.
        let values = columns.reduce(16 * times.count) { $0 + 9 * times.count + $1.strings.count }
        buffer.reserveCapacity(minimumWritableBytes: values + (columns.count + 1) * 256)
        try buffer.writeWireString(source, "source")
        try buffer.writeWireString(definitionHash, "definitionHash")
        buffer.writeInteger(isDryRun ? 1 : 0 as UInt8)
        buffer.writeMultipleIntegers(width, rows, endianness: .little)
        for column in columns {
            try buffer.writeWireString(column.field.name, "a column's name")
            buffer.writeInteger(column.field.type.rawValue)
        }
        times.withUnsafeBytes { _ = buffer.writeBytes($0) }
        offsets.withUnsafeBytes { _ = buffer.writeBytes($0) }
        for column in columns { try column.write(count: times.count, into: &buffer) }
    }
}

extension EventsRequest.Column {
    fileprivate init(_ column: ColumnRows.Column, count: Int) {
        field = column.field
        isNull = column.nulls == nil ? [] : (0..<count).map { column.isNull($0) }
        strings = Array(column.strings)
        slots = (0..<count).map { row in
            switch column.field.type {
            case .bool: UInt64(column.values[row])
            case .string: UInt64(column.values.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self))
            case .int64, .float64, .timestamp: column.values.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self)
            }
        }
    }

    fileprivate func write(count: Int, into buffer: inout ByteBuffer) throws(WireError) {
        guard slots.count == count, isNull.isEmpty || isNull.count == count else {
            throw WireError(.badRequest, "column '\(field.name)' has \(slots.count) values for \(count) rows")
        }
        buffer.writeInteger(isNull.isEmpty ? 0 : 1 as UInt8)
        if !isNull.isEmpty {
            var bits = [UInt8](repeating: 0, count: (count + 7) / 8)
            for row in 0..<count where isNull[row] { bits[row >> 3] |= 1 << UInt8(row & 7) }
            buffer.writeBytes(bits)
        }
        switch field.type {
        case .int64, .float64, .timestamp: slots.withUnsafeBytes { _ = buffer.writeBytes($0) }
        case .bool:
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                for row in 0..<count { room[row] = slots[row] == 0 ? 0 : 1 }
                return count
            }
        case .string:
            var total: UInt64 = 0
            for length in slots { total &+= length & 0xffff_ffff }
            guard total == UInt64(strings.count), slots.allSatisfy({ $0 <= UInt64(UInt32.max) }) else {
                throw WireError(.badRequest, "the strings of column '\(field.name)' are not as long as it says")
            }
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count * 4) { room in
                for row in 0..<count {
                    room.storeBytes(
                        of: UInt32(truncatingIfNeeded: slots[row]),
                        toByteOffset: row * 4,
                        as: UInt32.self
                    )
                }
                return count * 4
            }
            buffer.writeBytes(strings)
        }
    }
}
