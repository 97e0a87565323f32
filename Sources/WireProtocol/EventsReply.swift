// EVENTS_REPLY: what became of the rows.
//
//   knownAt  i64 | options u8    bit 0: a commit was made, and knownAt is its arrival; else knownAt is the newest one
//   new u32 | present u32
//   reasons  u8 x (reason string | rows u32)
//   named    u16 x (row u32 | reason u8 | message string)     the first ones that were not accepted
//   hours    u32 x (hour i64 | accepted u32 | known u32)      ascending

public import FeatureModel
public import NIOCore

/// What became of the rows of an EVENTS.
public struct EventsReply: WireMessage, Hashable {
    public static let type = MessageType.eventsReply

    /// Rows that were not accepted for one reason.
    public struct Reason: Hashable, Sendable {
        public var reason: String
        public var rows: UInt32
        public init(reason: String, rows: UInt32) {
            self.reason = reason
            self.rows = rows
        }
    }

    /// A row that was not accepted.
    public struct Named: Hashable, Sendable {
        /// Its place in the request.
        public var row: UInt32
        /// A place in `reasons`.
        public var reason: UInt8
        public var message: String
        public init(row: UInt32, reason: UInt8, message: String) {
            self.row = row
            self.reason = reason
            self.message = message
        }
    }

    /// Accepted rows within an hour of event time.
    public struct Hour: Hashable, Sendable {
        /// Hours since the epoch, rounded down.
        public var hour: Int64
        public var accepted: UInt32
        /// Of those the ones that were there.
        public var known: UInt32
        public init(hour: Int64, accepted: UInt32, known: UInt32) {
            self.hour = hour
            self.accepted = accepted
            self.known = known
        }
    }

    /// The arrival of the commit, or of the newest one where none was made.
    public var knownAt: Instant
    public var isCommitted: Bool
    /// Accepted rows that were not in every history of the source before.
    public var new: UInt32
    /// Accepted rows that were.
    public var present: UInt32
    public var reasons: [Reason]
    public var named: [Named]
    public var hours: [Hour]

    /// The most rows that are named in one reply.
    public static let namedMax = 20

    public init(
        knownAt: Instant,
        isCommitted: Bool,
        new: UInt32 = 0,
        present: UInt32 = 0,
        reasons: [Reason] = [],
        named: [Named] = [],
        hours: [Hour] = []
    ) {
        self.knownAt = knownAt
        self.isCommitted = isCommitted
        self.new = new
        self.present = present
        self.reasons = reasons
        self.named = named
        self.hours = hours
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        knownAt = Instant(microseconds: try reader.integer("knownAt"))
        isCommitted = try reader.flag("options")
        new = try reader.integer("new")
        present = try reader.integer("present")
        reasons = []
        for _ in 0..<(try reader.integer("reasons", as: UInt8.self)) {
            reasons.append(Reason(reason: try reader.string("a reason"), rows: try reader.integer("rows")))
        }
        named = []
        for _ in 0..<(try reader.integer("named rows", as: UInt16.self)) {
            let row = Named(
                row: try reader.integer("a row"),
                reason: try reader.integer("a reason"),
                message: try reader.string("a message")
            )
            guard reasons.indices.contains(Int(row.reason)) else { throw .malformed("reason \(row.reason) of a row") }
            named.append(row)
        }
        let count = Int(try reader.integer("hours", as: UInt32.self))
        try reader.expect(count, of: 16, "the hours")
        hours = []
        hours.reserveCapacity(count)
        for _ in 0..<count {
            hours.append(
                Hour(
                    hour: try reader.integer("an hour"),
                    accepted: try reader.integer("accepted"),
                    known: try reader.integer("known")
                )
            )
        }
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        guard let reasonCount = UInt8(exactly: reasons.count), let namedCount = UInt16(exactly: named.count),
            let hourCount = UInt32(exactly: hours.count)
        else { throw WireError(.tooMany, "\(reasons.count) reasons, \(named.count) rows, \(hours.count) hours") }
        buffer.writeInteger(knownAt.microseconds, endianness: .little)
        buffer.writeInteger(isCommitted ? 1 : 0 as UInt8)
        buffer.writeMultipleIntegers(new, present, reasonCount, endianness: .little)
        for reason in reasons {
            try buffer.writeWireString(reason.reason, "a reason")
            buffer.writeInteger(reason.rows, endianness: .little)
        }
        buffer.writeInteger(namedCount, endianness: .little)
        for row in named {
            buffer.writeMultipleIntegers(row.row, row.reason, endianness: .little)
            try buffer.writeWireString(row.message, "a message")
        }
        buffer.writeInteger(hourCount, endianness: .little)
        for hour in hours {
            buffer.writeMultipleIntegers(hour.hour, hour.accepted, hour.known, endianness: .little)
        }
    }
}
