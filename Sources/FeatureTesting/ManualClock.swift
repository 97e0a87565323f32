public import FeatureModel
import Synchronization

/// A clock that moves only when a test says so.
public final class ManualClock: Sendable {
    private let microseconds: Atomic<Int64>

    public init(_ start: Instant) { microseconds = Atomic(start.microseconds) }

    public var now: Instant { Instant(microseconds: microseconds.load(ordering: .acquiring)) }

    public func set(_ now: Instant) { microseconds.store(now.microseconds, ordering: .releasing) }

    public func advance(by step: Int64) { microseconds.wrappingAdd(step, ordering: .acquiringAndReleasing) }
}
