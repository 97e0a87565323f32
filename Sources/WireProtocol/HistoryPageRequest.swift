// HISTORY_PAGE: a piece of the events that a view counts, of all entities.
//
//   options u8 | knownAt i64 | start i64 | end i64 | rows u32 | view string | place, where the page before ended
//
//   place   time i64 | stream u64 | offset i64 | key: length u16, bytes

public import FeatureModel
public import NIOCore

/// Where a page of a history ended: an entity, and its last event that was looked at.
public struct HistoryPlace: Hashable, Sendable {
    /// As `EntityKey` encodes it.
    public var key: [UInt8]
    public var time: Int64
    public var stream: UInt64
    public var offset: Int64

    public init(key: [UInt8], time: Int64, stream: UInt64, offset: Int64) {
        self.key = key
        self.time = time
        self.stream = stream
        self.offset = offset
    }

    init(_ reader: inout BodyReader) throws(WireError) {
        time = try reader.integer("place")
        stream = try reader.integer("place")
        offset = try reader.integer("place")
        key = try reader.entityKey("the place's key")
    }

    func write(into buffer: inout ByteBuffer) throws(WireError) {
        buffer.writeMultipleIntegers(time, stream, offset, endianness: .little)
        try buffer.writeEntityKey(key)
    }
}

public struct HistoryPageRequest: WireMessage, Hashable {
    public static let type = MessageType.historyPage

    public var view: String
    /// K; nil: the newest visible commit.
    public var knownAt: Instant?
    /// Events from here on.
    public var start: Instant
    /// Events before here.
    public var end: Instant
    /// The most rows of the reply, 1 to `rowsMax`.
    public var rows: Int
    /// What the page before gave; nil begins.
    public var place: HistoryPlace?

    public init(
        view: String,
        knownAt: Instant? = nil,
        start: Instant = .distantPast,
        end: Instant = .distantFuture,
        rows: Int,
        place: HistoryPlace? = nil
    ) {
        self.view = view
        self.knownAt = knownAt
        self.start = start
        self.end = end
        self.rows = rows
        self.place = place
    }

    private static let placeGiven: UInt8 = 1
    private static let knownAtGiven: UInt8 = 2

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        let options: UInt8 = try reader.integer("options")
        guard options & ~(Self.placeGiven | Self.knownAtGiven) == 0 else { throw WireError.unknownBits(options) }
        let known: Int64 = try reader.integer("knownAt")
        let isKnownGiven = options & Self.knownAtGiven != 0
        guard isKnownGiven || known == 0 else { throw WireError.timeNotGiven("knownAt") }
        knownAt = isKnownGiven ? Instant(microseconds: known) : nil
        start = Instant(microseconds: try reader.integer("start"))
        end = Instant(microseconds: try reader.integer("end"))
        guard start < end else { throw WireError(.badRequest, "the interval's end is not after its start") }
        rows = Int(try reader.integer("rows", as: UInt32.self))
        guard rows > 0 else { throw .empty("rows") }
        guard rows <= limits.rowsMax else { throw .tooMany(rows, "rows", max: limits.rowsMax) }
        view = try reader.string("view")
        place = options & Self.placeGiven != 0 ? try HistoryPlace(&reader) : nil
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard let rows = UInt32(exactly: rows) else { throw WireError(.badRequest, "\(rows) rows") }
        let options = (place == nil ? 0 : Self.placeGiven) | (knownAt == nil ? 0 : Self.knownAtGiven)
        buffer.writeMultipleIntegers(
            options,
            knownAt?.microseconds ?? 0,
            start.microseconds,
            end.microseconds,
            rows,
            endianness: .little
        )
        try buffer.writeWireString(view, "view")
        if let place { try place.write(into: &buffer) }
    }
}

extension BodyReader {
    /// `u16` length, then the bytes.
    mutating func entityKey(_ field: StaticString) throws(WireError) -> [UInt8] {
        let count = Int(try integer(field, as: UInt16.self))
        guard count <= EntityKey.byteCountMax else { throw WireError.badKey(0, "is longer than 1024 bytes") }
        guard let bytes = slice(count) else { throw .truncated(field) }
        return Array(bytes.readableBytesView)
    }
}

extension ByteBuffer {
    /// `u16` length, then the bytes.
    mutating func writeEntityKey(_ key: [UInt8]) throws(WireError) {
        guard key.count <= EntityKey.byteCountMax else { throw WireError.badKey(0, "is longer than 1024 bytes") }
        writeInteger(UInt16(truncatingIfNeeded: key.count), endianness: .little)
        writeBytes(key)
    }
}
