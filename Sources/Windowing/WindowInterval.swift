// The one place that knows where a window begins and ends.
//
//   strict (default)   [T - offset - length, T - offset)     the label's own event is never inside
//   inclusive          (T - offset - length, T - offset]     Feast's rule
//
// Time is whole microseconds, so both are half-open integer intervals: inclusive is strict moved by one microsecond.
// Everyone who compares an event time with a window asks this type; nobody compares by hand.

public import FeatureModel

/// The event times that a window covers, as the half-open interval `[start, end)` in microseconds.
@frozen
public struct WindowInterval: Hashable, Sendable {
    public var start: Int64
    public var end: Int64

    /// - Parameters:
    ///   - asOf: T.
    ///   - length: the window's length in microseconds; nil for `lifetime`.
    ///   - offset: how far before T the window ends, in microseconds, not negative.
    @inlinable
    public init(asOf: Instant, length: Int64?, offset: Int64, boundary: Boundary) {
        let shift: Int64 = boundary == .strict ? 0 : 1
        let last = asOf.advanced(by: -offset)
        end = last.advanced(by: shift).microseconds
        start = length.map { last.advanced(by: -$0).advanced(by: shift).microseconds } ?? .min
    }

    /// Every event before T by the boundary's rule.
    @inlinable
    public init(allBefore asOf: Instant, boundary: Boundary) {
        self.init(asOf: asOf, length: nil, offset: 0, boundary: boundary)
    }

    @inlinable
    public func contains(_ eventTime: Instant) -> Bool {
        eventTime.microseconds >= start && eventTime.microseconds < end
    }

    /// Whether events whose first and last event times are these all lie inside.
    @inlinable
    func covers(first: Int64, last: Int64) -> Bool { first >= start && last < end }

    /// Whether events whose first and last event times are these may lie inside.
    @inlinable
    func overlaps(first: Int64, last: Int64) -> Bool { first < end && last >= start }

    /// Whether everything up to `last` lies before the window.
    @inlinable
    func startsAfter(_ last: Int64) -> Bool { last < start }

    /// The rows of a span, whose times ascend, that lie inside.
    @inlinable
    func rows(of span: EventSpan) -> Range<Int> {
        let upper = Self.index(of: end, in: span.times, count: span.count)
        return min(upper, Self.index(of: start, in: span.times, count: upper))..<upper
    }

    /// Takes away what lies at or after `edge` and returns it: the next longer of windows that end together.
    mutating func splitOff(from edge: Int64) -> WindowInterval {
        var newer = self
        newer.start = min(end, max(start, edge))
        end = newer.start
        return newer
    }

    /// Whether a window that begins at `start` begins before the store's knowledge does.
    @inlinable
    public static func reaches(from start: Int64, before availableFrom: Instant) -> Bool {
        start < availableFrom.microseconds
    }
}

extension WindowInterval {
    /// Whether a version is older at T than it may be: T - event time > max age, whatever the boundary. A version that is
    /// exactly as old as it may be still counts, as the first event of a strict window of that length does.
    @inlinable
    public static func isOlder(_ eventTime: Int64, than maxAge: Int64, at asOf: Instant) -> Bool {
        eventTime < asOf.advanced(by: -maxAge).microseconds
    }

    /// The number of `times` (ascending) that lie before `edge`: the index of an interval's edge among events.
    @inlinable
    public static func index(of edge: Int64, in times: UnsafePointer<Int64>, count: Int) -> Int {
        // Most reads ask for "now": all events lie before it.
        if count == 0 || times[count - 1] < edge { return count }
        var low = 0
        var length = count
        while length > 0 {
            let half = length >> 1
            if times[low + half] < edge {
                low += half + 1
                length -= half + 1
            } else {
                length = half
            }
        }
        return low
    }

    /// The same for an edge that moves forward: `from` lies at or before its place, most often close to it.
    @inline(__always)
    static func index(of edge: Int64, in times: UnsafePointer<Int64>, count: Int, from: Int) -> Int {
        var low = from
        if low >= count || times[low] >= edge { return low }
        var step = 1
        while low + step < count, times[low + step] < edge {
            low += step
            step += step
        }
        let next = low + 1
        return next + index(of: edge, in: times + next, count: min(low + step, count) - next)
    }
}
