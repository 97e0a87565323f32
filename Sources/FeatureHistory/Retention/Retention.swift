import FeatureModel
import Windowing

/// What one history has dropped by now, and what it keeps of that.
struct Retention: Sendable {
    /// Events go, oldest first, while both their event time and their arrival lie before it; microseconds.
    var horizon: Int64
    /// What is kept of dropped events; nil where nothing is dropped.
    var kept: BaseLayout?

    /// All is kept.
    static let none = Retention(horizon: .min, kept: nil)
}

/// How far horizons move at once. Half a step to a step and a half more than `history` is kept, so that a window as long as
/// the history can be read as of a little while ago.
enum HorizonStep {
    static func microseconds(history: Int64) -> Int64 { max(1_000_000, history / 50) }

    /// Where a horizon should be after a commit that arrived at `arrival`; nil while it may stay where it is.
    static func target(history: Int64, arrival: Int64, current: Int64) -> Int64? {
        let step = microseconds(history: history)
        let (kept, overflow) = arrival.subtractingReportingOverflow(history)
        let (target, underflow) = kept.subtractingReportingOverflow(step)
        guard !overflow, !underflow else { return nil }
        let (due, isFar) = current.addingReportingOverflow(step)
        return !isFar && target < due ? nil : target
    }
}
