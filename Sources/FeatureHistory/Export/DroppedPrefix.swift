import FeatureModel
import Windowing

/// What history has dropped of one entity, while its leaves are read: the base of its first leaf, and the oldest events
/// behind the horizon that no sweep has taken yet. A reader that has all of an entity in memory drops the same.
struct DroppedPrefix {
    private let horizon: Int64
    private(set) var count: UInt64 = 0
    private var oldest = Int64.max
    /// The newest dropped event: whatever is not newer is gone.
    private(set) var last: EventOrder?

    /// As it was before the newest dropped event's instant.
    private var settled: (count: UInt64, oldest: Int64, last: EventOrder?) = (0, .max, nil)

    init(horizon: Int64) { self.horizon = horizon }

    /// Takes the head of a base, as `HistoryBase` writes it.
    mutating func take(base: [UInt8]) throws(StoreError) {
        var result: Result<(UInt64, Int64, EventOrder), StoreError>?
        base.withUnsafeBytes { bytes in
            result = Result { () throws(StoreError) in
                var reader = ByteReader(bytes, subject: "base")
                let count = try reader.readVarint()
                let oldest: Int64 = try reader.read()
                _ = try reader.read(Int64.self)
                let time: Int64 = try reader.read()
                let stream: UInt64 = try reader.read()
                return (count, oldest, EventOrder(time: time, stream: stream, offset: try reader.read()))
            }
        }
        guard let (count, oldest, last) = try result?.get() else { return }
        (self.count, self.oldest, self.last) = (count, oldest, last)
    }

    /// Whether an event goes that stands behind all that went before it.
    func drops(time: Int64, arrival: Int64) -> Bool { time < horizon && arrival < horizon }

    mutating func add(_ order: EventOrder) {
        if order.time != last?.time { settled = (count, oldest, last) }
        count += 1
        oldest = min(oldest, order.time)
        last = order
    }

    /// The newest dropped event's instant is not dropped after all.
    mutating func giveBackInstant() { (count, oldest, last) = settled }

    /// Whether some of it may have lain in an interval.
    func touches(_ interval: ExportInterval) -> Bool {
        guard let last else { return false }
        return oldest < interval.end.microseconds && last.time >= interval.start.microseconds
    }
}
