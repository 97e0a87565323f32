// HISTORY_PAGE_REPLY: columns of events, in the order of (entity key, event time, position).
//
//   options u8 | knownAt i64 | horizon i64 | availableFrom i64 | progress u32 | dropped: entities u32, events u64 | schema
//   place, where there is more
//   entities u32 | rows u32
//   entities x   rows u32, key: length u16, bytes
//   rows x       time i64 ... | arrival i64 ... | stream u64 ... | offset i64 ... | deleted u8 ..., where there are deletes
//   columns x    rows x valid u8, rows x value: 8 bytes; bool u8; string u32 length, then all bytes

public import FeatureModel
public import NIOCore

/// The values of one column of a page; 0 or empty where there is none.
public enum HistoryValues: Hashable, Sendable {
    case int64([Int64])
    case timestamp([Int64])
    /// IEEE 754 bits.
    case float64([UInt64])
    /// 0 or 1.
    case bool([UInt8])
    /// The strings' bytes, one after the other.
    case string(lengths: [UInt32], bytes: [UInt8])
}

public struct HistoryPageColumn: Hashable, Sendable {
    /// 1 where there is a value, else 0.
    public var isValid: [UInt8]
    public var values: HistoryValues

    public init(isValid: [UInt8], values: HistoryValues) {
        self.isValid = isValid
        self.values = values
    }
}

/// Rows of one entity, which stand together.
public struct HistoryRun: Hashable, Sendable {
    /// As `EntityKey` encodes it.
    public var key: [UInt8]
    /// At least 1.
    public var rows: Int

    public init(key: [UInt8], rows: Int) {
        self.key = key
        self.rows = rows
    }
}

public struct HistoryPageReply: WireMessage, Hashable {
    public static let type = MessageType.historyPageReply

    /// The K that was used.
    public var knownAt: Instant
    /// Up to where history may have been dropped; `distantPast` while all is kept.
    public var horizon: Instant
    /// Values are complete only from here on.
    public var availableFrom: Instant
    /// About how much of the history lies before the page's end, in millionths.
    public var progress: UInt32
    /// Entities of which events were dropped that may have lain in the interval, and how many of theirs were.
    public var droppedEntities: UInt32
    public var droppedEvents: UInt64
    public var schema: HistorySchemaMessage
    /// nil at the end.
    public var place: HistoryPlace?
    public var runs: [HistoryRun]
    public var times: [Int64]
    public var arrivals: [Int64]
    public var streams: [UInt64]
    public var offsets: [Int64]
    /// 1 for a delete; nil where there are none.
    public var deleted: [UInt8]?
    /// Those of the schema.
    public var columns: [HistoryPageColumn]

    public var count: Int { times.count }

    public init(
        knownAt: Instant,
        horizon: Instant,
        availableFrom: Instant,
        progress: UInt32,
        droppedEntities: UInt32,
        droppedEvents: UInt64,
        schema: HistorySchemaMessage,
        place: HistoryPlace?,
        runs: [HistoryRun],
        times: [Int64],
        arrivals: [Int64],
        streams: [UInt64],
        offsets: [Int64],
        deleted: [UInt8]?,
        columns: [HistoryPageColumn]
    ) {
        self.knownAt = knownAt
        self.horizon = horizon
        self.availableFrom = availableFrom
        self.progress = progress
        self.droppedEntities = droppedEntities
        self.droppedEvents = droppedEvents
        self.schema = schema
        self.place = place
        self.runs = runs
        self.times = times
        self.arrivals = arrivals
        self.streams = streams
        self.offsets = offsets
        self.deleted = deleted
        self.columns = columns
    }

    private static let placeFollows: UInt8 = 1
    private static let hasDeletes: UInt8 = 2

    /// - Throws: `MALFORMED_FRAME` for bytes that contradict each other, and for bytes left over; `BAD_ENTITY_KEY` for a key
    ///   that is not of the join keys' types; `BAD_REQUEST` for text that is not UTF-8.
    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        let options: UInt8 = try reader.integer("options")
        guard options & ~(Self.placeFollows | Self.hasDeletes) == 0 else { throw WireError.unknownBits(options) }
        knownAt = Instant(microseconds: try reader.integer("knownAt"))
        horizon = Instant(microseconds: try reader.integer("horizon"))
        availableFrom = Instant(microseconds: try reader.integer("availableFrom"))
        progress = try reader.integer("progress")
        guard progress <= 1_000_000 else { throw .malformed("progress is beyond 1000000") }
        droppedEntities = try reader.integer("dropped entities")
        droppedEvents = try reader.integer("dropped events")
        schema = try HistorySchemaMessage(&reader)
        place = options & Self.placeFollows != 0 ? try HistoryPlace(&reader) : nil
        let runCount = Int(try reader.integer("entities", as: UInt32.self))
        let count = Int(try reader.integer("rows", as: UInt32.self))
        guard runCount <= count else { throw .malformed("\(runCount) entities with \(count) rows") }
        try reader.expect(count, of: 32, "rows")
        runs = try reader.runs(runCount, rows: count, schema.joinKeys.map(\.type))
        times = try reader.integers(count)
        arrivals = try reader.integers(count)
        streams = try reader.integers(count)
        offsets = try reader.integers(count)
        deleted = options & Self.hasDeletes != 0 ? try reader.marks(count) : nil
        columns = []
        for column in schema.columns { columns.append(try reader.historyColumn(column.type, count)) }
        try reader.finish()
    }

    /// - Throws: `BAD_REQUEST` where arrays are not of one length, or do not fit the schema.
    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        let options = (place == nil ? 0 : Self.placeFollows) | (deleted == nil ? 0 : Self.hasDeletes)
        guard let count = UInt32(exactly: count), arrivals.count == times.count, streams.count == times.count,
            offsets.count == times.count, deleted.map({ $0.count == times.count }) ?? true,
            columns.count == schema.columns.count, let runCount = UInt32(exactly: runs.count)
        else { throw WireError(.badRequest, "columns of a page that have not one length") }
        buffer.writeMultipleIntegers(
            options,
            knownAt.microseconds,
            horizon.microseconds,
            availableFrom.microseconds,
            progress,
            droppedEntities,
            droppedEvents,
            endianness: .little
        )
        try schema.write(into: &buffer)
        if let place { try place.write(into: &buffer) }
        buffer.writeMultipleIntegers(runCount, count, endianness: .little)
        for run in runs {
            guard let rows = UInt32(exactly: run.rows) else { throw WireError(.badRequest, "\(run.rows) rows") }
            buffer.writeInteger(rows, endianness: .little)
            try buffer.writeEntityKey(run.key)
        }
        buffer.writeArray(times)
        buffer.writeArray(arrivals)
        buffer.writeArray(streams)
        buffer.writeArray(offsets)
        if let deleted { buffer.writeArray(deleted) }
        for column in columns {
            buffer.writeArray(column.isValid)
            switch column.values {
            case .int64(let values), .timestamp(let values): buffer.writeArray(values)
            case .float64(let values): buffer.writeArray(values)
            case .bool(let values): buffer.writeArray(values)
            case .string(let lengths, let bytes):
                buffer.writeArray(lengths)
                buffer.writeArray(bytes)
            }
        }
    }
}
