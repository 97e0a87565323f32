/// The total order of events: event time, then position. It breaks every tie, so no result depends on arrival.
public struct EventOrder: Comparable, Hashable, Sendable {
    public var time: Int64
    public var stream: UInt64
    public var offset: Int64

    @inlinable
    public init(time: Int64, stream: UInt64, offset: Int64) {
        self.time = time
        self.stream = stream
        self.offset = offset
    }

    /// Below every event: where an entity's first leaf starts.
    public static let first = EventOrder(time: .min, stream: 0, offset: .min)

    @inlinable
    public static func < (a: EventOrder, b: EventOrder) -> Bool {
        if a.time != b.time { return a.time < b.time }
        if a.stream != b.stream { return a.stream < b.stream }
        return a.offset < b.offset
    }
}
