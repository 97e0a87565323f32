public import FeatureModel
public import NIOCore

/// One cell of a reply.
public struct FeatureCell: Hashable, Sendable {
    public var status: FeatureStatus
    /// `.null` when the status carries no value.
    public var value: FeatureValue
    /// Event time of the newest event that counted; nil when none did, or when event times were not asked for.
    public var eventTime: Instant?

    public init(status: FeatureStatus, value: FeatureValue, eventTime: Instant? = nil) {
        self.status = status
        self.value = value
        self.eventTime = eventTime
    }
}

/// VALUES as the client reads it. The server writes the same bytes with `ValuesHeader` and `writeValuesRow`.
public struct ValuesReply: Hashable, Sendable {
    /// The T that was used.
    public var asOf: Instant
    /// The K that was used: asking again with both gives the same bits.
    public var knownAt: Instant
    /// True when the cells carry event times.
    public var hasEventTimes: Bool
    /// One row an entity, one cell a feature, in the order asked.
    public var rows: [[FeatureCell]]

    public init(asOf: Instant, knownAt: Instant, hasEventTimes: Bool, rows: [[FeatureCell]]) {
        self.asOf = asOf
        self.knownAt = knownAt
        self.hasEventTimes = hasEventTimes
        self.rows = rows
    }

    /// Reads a body whose columns have `types`, which PREPARED gave.
    ///
    /// - Throws: `MALFORMED_FRAME` for bytes that contradict each other or the types, and for bytes left over.
    public init(body: ByteBuffer, types: [FeatureType]) throws(WireError) {
        var reader = BodyReader(body)
        asOf = Instant(microseconds: try reader.integer("asOf"))
        knownAt = Instant(microseconds: try reader.integer("knownAt"))
        let count = Int(try reader.integer("count", as: UInt32.self))
        let features = Int(try reader.integer("features", as: UInt16.self))
        let options = ReadOptions(rawValue: try reader.integer("options"))
        guard options.rawValue & ~ReadOptions.eventTimes.rawValue == 0 else { throw .unknownBits(options.rawValue) }
        guard features == types.count else {
            throw .malformed("\(features) features in VALUES, \(types.count) in PREPARED")
        }
        hasEventTimes = options.contains(.eventTimes)
        guard features > 0 || count == 0 else { throw .malformed("rows without features") }
        try reader.expect(count, of: features * (hasEventTimes ? 9 : 1), "the rows")
        rows = []
        rows.reserveCapacity(count)
        for _ in 0..<count { rows.append(try Self.row(&reader, types, hasEventTimes)) }
        try reader.finish()
    }

    private static func row(
        _ reader: inout BodyReader,
        _ types: [FeatureType],
        _ hasEventTimes: Bool
    ) throws(WireError) -> [FeatureCell] {
        guard let statuses = reader.slice(types.count) else { throw .truncated("the statuses of a row") }
        var cells: [FeatureCell] = []
        cells.reserveCapacity(types.count)
        for (type, rawValue) in zip(types, statuses.readableBytesView) {
            let byte = StatusByte(rawValue: rawValue)
            guard let status = byte.status else { throw .malformed("status \(rawValue) does not exist") }
            cells.append(FeatureCell(status: status, value: byte.hasValue ? try reader.value(type) : .null))
        }
        guard hasEventTimes else { return cells }
        for cell in cells.indices {
            let microseconds = try reader.integer("event time", as: Int64.self)
            cells[cell].eventTime = microseconds == .min ? nil : Instant(microseconds: microseconds)
        }
        return cells
    }
}

extension BodyReader {
    mutating func value(_ type: FeatureType) throws(WireError) -> FeatureValue {
        guard let single = type.single else { return try payload(Int(try integer("a value", as: UInt32.self)), type) }
        return switch single {
        case .int64: .int64(try integer("a value"))
        case .timestamp: .timestamp(Instant(microseconds: try integer("a value")))
        case .float64: .float64(Double(bitPattern: try integer("a value")))
        case .bool: .bool(try flag("a value"))
        case .string: .string(try text("a value"))
        }
    }
}
