// The point-in-time join: label rows in, feature columns out.
//
//   rows (key, T) --> ordered by (key, T) --> one pass over an entity for all its rows --> cells --> columns in row order
//
// K is one for all rows, or each row's own T: what a lookup at that instant could have answered.
//
// A cell has the bits of a lookup as of its T (promise P5): windows that move forward with T have a lookup's states and
// its last step (`AdvancingWindows`), and what cannot move is the very call that answers a lookup.

public import FeatureHistory
public import FeatureModel
import Windowing

/// How a join ended.
public enum JoinOutcome {
    /// A column a feature, in the plan's order, cells in the order of the rows.
    case columns(JoinedColumns)
    /// The strings, lists and maps are longer than the caller has room for.
    case tooLarge
    case cancelled
}

/// Joins label rows with features. Blocking: cold entities are read from disk; not for an event loop.
public struct PointInTimeJoin {
    private let store: FeatureStore
    private let plan: LookupPlan

    public init(store: FeatureStore, plan: LookupPlan) {
        self.store = store
        self.plan = plan
    }

    /// - Parameters:
    ///   - knownAt: the one K of all rows.
    ///   - rowTime: true: that of each row is its own T, or `knownAt` where that is earlier.
    ///   - eventTimes: true: each cell comes with the time of the newest event that counted.
    ///   - byteCountMax: the most bytes of strings, lists and maps over all rows; beyond it the join ends early.
    ///   - isCancelled: asked between rows; true ends the join early.
    public func columns(
        for rows: LabelRows,
        knownAt: Instant,
        rowTime: Bool = false,
        boundary: Boundary,
        eventTimes: Bool = false,
        byteCountMax: Int,
        isCancelled: () -> Bool = { false }
    ) throws(StoreError) -> JoinOutcome {
        let count = rows.count
        let columns = JoinedColumns(
            types: plan.features.map(\.type),
            count: count,
            eventTimes: eventTimes,
            byteCountMax: byteCountMax
        )
        let order = rows.ordered()
        let scratch = ReadScratch()
        scratch.request = rows.request
        var outcome: JoinOutcome?
        try rows.keys.withView { keys throws(StoreError) in
            var entity: [EntityRow] = []
            var start = 0
            while start < count, outcome == nil {
                entity.removeAll(keepingCapacity: true)
                let first = Int(order[start])
                while start < count, keys.areEqual(first, Int(order[start])) {
                    let row = Int(order[start])
                    let asOf = rows.asOf[row]
                    let known = rowTime ? min(asOf, knownAt) : knownAt
                    entity.append(
                        EntityRow(
                            point: ReadPoint(asOf: asOf, knownAt: known, boundary: boundary),
                            request: row
                        )
                    )
                    start += 1
                }
                _ = try store.read(plan, key: keys[first], rows: entity[...], scratch) { index in
                    if isCancelled() {
                        outcome = .cancelled
                    } else if scratch.cells.isTooLong {
                        outcome = .tooLarge
                    } else if !columns.take(scratch.cells, row: entity[index].request) {
                        outcome = .tooLarge
                    }
                    return outcome == nil
                }
            }
        }
        if let outcome { return outcome }
        return .columns(columns)
    }
}
