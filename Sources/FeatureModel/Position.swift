/// Where an event stands in its log. A position is applied once.
///
/// Order: `(source ordinal, incarnation, partition, offset)`, as packed here. Together with the event time it is the
/// total order of events and breaks every tie, so no result depends on the order in which events arrived.
@frozen
public struct Position: Hashable, Comparable, Sendable {
    /// Source ordinal (16 bits), incarnation (16 bits), partition (32 bits), packed so that `UInt64` order is the order.
    public var stream: StreamID
    /// The record's offset in its partition.
    public var offset: Int64

    @inlinable
    public init(stream: StreamID, offset: Int64) {
        self.stream = stream
        self.offset = offset
    }

    @inlinable
    public static func < (a: Position, b: Position) -> Bool {
        a.stream.rawValue != b.stream.rawValue ? a.stream.rawValue < b.stream.rawValue : a.offset < b.offset
    }
}

/// One partition of one incarnation of one source.
@frozen
public struct StreamID: Hashable, Sendable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// - Parameters:
    ///   - source: the source's ordinal in the registry; never reused.
    ///   - incarnation: grows when the topic is recreated.
    ///   - partition: Kafka's partition number; negative numbers do not exist and are held at 0.
    @inlinable
    public init(source: UInt16, incarnation: UInt16, partition: Int32) {
        rawValue = UInt64(source) << 48 | UInt64(incarnation) << 32 | UInt64(UInt32(max(0, partition)))
    }

    /// The incarnation of rows that came from files: no topic has it, and it is the last one.
    public static let fileIncarnation = UInt16.max

    /// The stream of a source's rows that came from files. Their offsets are made of their content.
    @inlinable
    public init(filesOf source: UInt16) { self.init(source: source, incarnation: Self.fileIncarnation, partition: 0) }

    @inlinable public var source: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 48) }
    @inlinable public var incarnation: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 32) }
    @inlinable public var partition: Int32 { Int32(truncatingIfNeeded: rawValue & 0x7fff_ffff) }
}
