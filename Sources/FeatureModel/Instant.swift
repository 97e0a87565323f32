/// A point on the UTC time line, in whole microseconds since the Unix epoch.
///
/// Event times, arrivals, `as of` and `known at` are all instants. Pure code never reads a clock: an instant is always
/// an argument. Range: every `Int64`; text forms exist for years 1 to 9999 only.
@frozen
public struct Instant: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
    public var microseconds: Int64

    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }

    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }

    /// Before every event: the start of a `lifetime` window.
    @inlinable public static var distantPast: Instant { Instant(microseconds: .min) }

    /// After every arrival: "everything that is known".
    @inlinable public static var distantFuture: Instant { Instant(microseconds: .max) }

    /// This instant moved by `microseconds`, held at the ends of the range instead of trapping: windows near the ends
    /// of time come from outside and may not stop the server.
    @inlinable
    public func advanced(by microseconds: Int64) -> Instant {
        let (sum, overflow) = self.microseconds.addingReportingOverflow(microseconds)
        guard overflow else { return Instant(microseconds: sum) }
        return microseconds < 0 ? .distantPast : .distantFuture
    }
}
