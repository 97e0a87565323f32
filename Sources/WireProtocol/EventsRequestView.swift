public import FeatureModel

/// An EVENTS as the server reads it: the columns where they stand in the receive buffer, all checked. It borrows the bytes:
/// do not let it leave the closure that lent them.
public struct EventsRequestView {
    public let source: String
    public let definitionHash: String
    public let isDryRun: Bool
    public let rows: ColumnRows

    /// Reads and checks the whole message.
    ///
    /// - Throws: `MALFORMED_FRAME` (an array that the bytes cannot hold, unknown options, a bool that is neither 0 nor 1,
    ///   bytes left over), `BAD_REQUEST` (no row, a type that does not exist, text that is not UTF-8, offsets that are
    ///   negative or not in order, two columns of one name), `TOO_MANY` (rows beyond `rowsMax`, columns beyond 128).
    public init(_ bytes: UnsafeRawBufferPointer, limits: WireLimits) throws(WireError) {
        var reader = ColumnReader(bytes: bytes)
        source = try reader.string("source")
        definitionHash = try reader.string("definitionHash")
        let options = try reader.integer("options", as: UInt8.self)
        guard options <= 1 else { throw .unknownBits(options) }
        isDryRun = options == 1
        let columnCount = Int(try reader.integer("columns", as: UInt16.self))
        let count = Int(try reader.integer("count", as: UInt32.self))
        guard columnCount <= EventsRequest.columnsMax else {
            throw .tooMany(columnCount, "columns", max: EventsRequest.columnsMax)
        }
        guard count > 0 else { throw .empty("rows") }
        guard count <= limits.rowsMax else { throw .tooMany(count, "rows", max: limits.rowsMax) }
        var fields: [Field] = []
        for _ in 0..<columnCount {
            let name = try reader.string("a column's name")
            let rawValue = try reader.integer("a column's type", as: UInt8.self)
            guard let type = ValueType(rawValue: rawValue) else {
                throw WireError(.badRequest, "a column of type \(rawValue), which does not exist")
            }
            guard !fields.contains(where: { $0.name == name }) else {
                throw WireError(.badRequest, "two columns of one name")
            }
            fields.append(Field(name: name, type: type))
        }
        let times = try reader.bytes(count, 8, "the times")
        let offsets = try reader.bytes(count, 8, "the offsets")
        var columns: [ColumnRows.Column] = []
        for field in fields { columns.append(try reader.column(field, count: count)) }
        guard reader.remaining == 0 else { throw .trailing(reader.remaining) }
        rows = ColumnRows(count: count, times: times, offsets: offsets, columns: columns)
        try Self.checkOrder(rows)
    }

    private static func checkOrder(_ rows: ColumnRows) throws(WireError) {
        var (time, offset) = (Int64.min, Int64.min)
        for row in 0..<rows.count {
            let (nextTime, nextOffset) = (rows.time(row), rows.offset(row))
            guard nextOffset >= 0 else { throw WireError(.badRequest, "row \(row) has a negative offset") }
            guard row == 0 || nextTime > time || (nextTime == time && nextOffset > offset) else {
                throw WireError(.badRequest, "row \(row) is not behind the row before it by time and offset")
            }
            (time, offset) = (nextTime, nextOffset)
        }
    }
}

/// Reads arrays where they stand; every read is checked, nothing traps.
private struct ColumnReader {
    let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var remaining: Int { bytes.count - index }

    mutating func bytes(_ count: Int, _ width: Int, _ what: StaticString) throws(WireError) -> UnsafeRawBufferPointer {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, byteCount >= 0, byteCount <= remaining else { throw .truncated(what) }
        defer { index += byteCount }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<(index + byteCount)])
    }

    mutating func integer<T: FixedWidthInteger>(_ what: StaticString, as type: T.Type) throws(WireError) -> T {
        T(littleEndian: try bytes(1, MemoryLayout<T>.size, what).loadUnaligned(as: T.self))
    }

    mutating func string(_ what: StaticString) throws(WireError) -> String {
        let utf8 = try bytes(Int(try integer(what, as: UInt16.self)), 1, what)
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw WireError(.badRequest, "\(what) is not UTF-8")
        }
        return text
    }

    mutating func column(_ field: Field, count: Int) throws(WireError) -> ColumnRows.Column {
        let mark = try integer("the nulls of a column", as: UInt8.self)
        guard mark <= 1 else { throw .malformed("the nulls of a column are \(mark), neither 0 nor 1") }
        var column = ColumnRows.Column(
            field: field,
            nulls: nil,
            values: UnsafeRawBufferPointer(start: nil, count: 0),
            strings: UnsafeRawBufferPointer(start: nil, count: 0)
        )
        if mark == 1 {
            let nulls = try bytes((count + 7) / 8, 1, "the nulls of a column")
            guard count % 8 == 0 || nulls[nulls.count - 1] >> UInt8(count % 8) == 0 else {
                throw .malformed("a null behind the last row")
            }
            column.nulls = nulls
        }
        switch field.type {
        case .int64, .float64, .timestamp: column.values = try bytes(count, 8, "a column")
        case .bool:
            column.values = try bytes(count, 1, "a column")
            guard column.values.allSatisfy({ $0 <= 1 }) else { throw .malformed("a bool that is neither 0 nor 1") }
        case .string:
            column.values = try bytes(count, 4, "a column")
            var total = 0
            // At most rows times 4 GiB: no overflow.
            for row in 0..<count { total += length(column, row) }
            column.strings = try bytes(total, 1, "the strings of a column")
            try checkText(column, count: count)
        }
        return column
    }

    private func length(_ column: ColumnRows.Column, _ row: Int) -> Int {
        Int(UInt32(littleEndian: column.values.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self)))
    }

    /// All strings together are UTF-8, and none begins inside a character: so each is.
    private func checkText(_ column: ColumnRows.Column, count: Int) throws(WireError) {
        var start = 0
        var isCut = false
        for row in 0..<count {
            if start < column.strings.count, column.strings[start] & 0xc0 == 0x80 { isCut = true }
            start += length(column, row)
        }
        guard !isCut, String(validating: column.strings, as: UTF8.self) != nil else {
            throw WireError(.badRequest, "a value of a column of strings is not UTF-8")
        }
    }
}
