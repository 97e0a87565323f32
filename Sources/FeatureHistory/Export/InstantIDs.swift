import FeatureModel
import Windowing

/// The `event_id`s of one entity's events at one instant, as they come by in the order of positions: the first one of an id
/// counts, the others are its duplicates (see `EventTwins`, which says the same of events in memory).
struct InstantIDs {
    private let columns: EventIDColumns?
    private var time = Int64.min
    private var numbers: Set<UInt64> = []
    private var strings: Set<[UInt8]> = []

    init(_ columns: EventIDColumns?) { self.columns = columns }

    /// Forgets what was seen: another entity begins.
    mutating func begin() { begin(at: .min) }

    private mutating func begin(at time: Int64) {
        self.time = time
        numbers.removeAll(keepingCapacity: true)
        strings.removeAll(keepingCapacity: true)
    }

    /// Meets an event that is known at K.
    ///
    /// - Returns: whether it is a duplicate.
    mutating func meet(_ row: Int, of batch: EventBatch) -> Bool {
        guard let columns else { return false }
        if batch.times[row] != time { begin(at: batch.times[row]) }
        guard !batch.isNull(columns.id, row) else { return false }
        let slot = batch.column(columns.id)[row]
        guard batch.types[columns.id] == .string else { return !numbers.insert(slot).inserted }
        return !strings.insert(Array(batch.string(slot))).inserted
    }
}
