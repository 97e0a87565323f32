public import FeatureModel
public import NIOCore

/// The values of one column. Cells without a value hold 0, false, or an empty string, list or map.
public enum ColumnValues: Hashable, Sendable {
    case int64([Int64])
    case float64([Double])
    case string([String])
    case bool([Bool])
    /// Microseconds.
    case timestamp([Int64])
    /// The elements of each list; null where one has no value.
    case list([[FeatureValue]])
    /// The entries of each map, in the order of the reply; keys are distinct.
    case map([[FeatureValue.Entry]])
}

/// One column of a reply: as many statuses as values.
public struct FeatureColumn: Hashable, Sendable {
    public var statuses: [StatusByte]
    public var values: ColumnValues
    /// The newest event that counted, in microseconds, `Int64.min` where none did; nil when they were not asked for.
    public var eventTimes: [Int64]?

    public init(statuses: [StatusByte], values: ColumnValues, eventTimes: [Int64]? = nil) {
        self.statuses = statuses
        self.values = values
        self.eventTimes = eventTimes
    }

    /// The value of a row; `.null` when its status carries none. Traps outside the rows.
    public subscript(row: Int) -> FeatureValue {
        guard statuses[row].hasValue else { return .null }
        return switch values {
        case .int64(let values): .int64(values[row])
        case .float64(let values): .float64(values[row])
        case .string(let values): .string(values[row])
        case .bool(let values): .bool(values[row])
        case .timestamp(let values): .timestamp(Instant(microseconds: values[row]))
        case .list(let values): .list(values[row])
        case .map(let values): .map(values[row])
        }
    }
}

/// COLUMNS as the client reads it. The server writes the same bytes with `ColumnsHeader` and `writeColumn`.
public struct ColumnsReply: Hashable, Sendable {
    /// The K that was used.
    public var knownAt: Instant
    /// Rows of every column.
    public var count: Int
    /// One a feature, in the order of PREPARED; rows in the order of the request.
    public var columns: [FeatureColumn]

    public init(knownAt: Instant, count: Int, columns: [FeatureColumn]) {
        self.knownAt = knownAt
        self.count = count
        self.columns = columns
    }

    /// Reads a body whose columns have `types`, which PREPARED gave, and event times where ROWS asked for them.
    ///
    /// - Throws: `MALFORMED_FRAME` for bytes that contradict each other or the types, and for bytes left over.
    public init(body: ByteBuffer, types: [FeatureType], eventTimes: Bool = false) throws(WireError) {
        var reader = BodyReader(body)
        knownAt = Instant(microseconds: try reader.integer("knownAt"))
        count = Int(try reader.integer("count", as: UInt32.self))
        let features = Int(try reader.integer("features", as: UInt16.self))
        guard features == types.count else {
            throw .malformed("\(features) features in COLUMNS, \(types.count) in PREPARED")
        }
        guard features > 0 || count == 0 else { throw .malformed("rows without features") }
        columns = []
        for type in types {
            var column = try reader.column(type, count)
            if eventTimes { column.eventTimes = try reader.integers(count) }
            columns.append(column)
        }
        try reader.finish()
    }
}

extension BodyReader {
    mutating func column(_ type: FeatureType, _ count: Int) throws(WireError) -> FeatureColumn {
        guard let bytes = slice(count) else { throw .truncated("the statuses of a column") }
        let statuses = bytes.readableBytesView.map { StatusByte(rawValue: $0) }
        guard statuses.allSatisfy({ $0.status != nil }) else { throw .malformed("a status that does not exist") }
        guard let single = type.single else {
            return FeatureColumn(statuses: statuses, values: try payloads(type, statuses))
        }
        let values: ColumnValues =
            switch single {
            case .int64: .int64(try integers(count))
            case .timestamp: .timestamp(try integers(count))
            case .float64: .float64(try integers(count, as: UInt64.self).map { Double(bitPattern: $0) })
            case .bool: .bool(try bools(count))
            case .string: .string(try strings(count))
            }
        return FeatureColumn(statuses: statuses, values: values)
    }

    mutating func integers<T: FixedWidthInteger>(_ count: Int, as type: T.Type = T.self) throws(WireError)
        -> [T]
    {
        let width = T.bitWidth / 8
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, let bytes = slice(byteCount) else { throw .truncated("a column") }
        return bytes.withUnsafeReadableBytes { bytes in
            (0..<count).map { T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * width, as: T.self)) }
        }
    }

    private mutating func bools(_ count: Int) throws(WireError) -> [Bool] {
        let bytes = try integers(count, as: UInt8.self)
        guard bytes.allSatisfy({ $0 <= 1 }) else { throw .malformed("a bool that is neither 0 nor 1") }
        return bytes.map { $0 == 1 }
    }

    private mutating func strings(_ count: Int) throws(WireError) -> [String] {
        let lengths = try integers(count, as: UInt32.self)
        var strings: [String] = []
        strings.reserveCapacity(count)
        for length in lengths { strings.append(try utf8(Int(length), "a value")) }
        return strings
    }
}
