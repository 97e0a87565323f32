// The merge pass of a training set: one entity's rows in the order of T, and its windows moving forward over its events.
//
//   under the lock    events --> times and values of each column, those that count at K, side by side
//   row by row, none  times  | . . . . [ . . . . . ) . . . . |      each window: where it begins and ends, two places that
//                                      --->        --->            only move forward
//   each window       count, first, last: the places        sum: what entered less what left
//                     least, greatest: an `ExtremeQueue`
//
// A row costs what moved since the row before, or what its windows hold when that is less. The states are those of a lookup,
// `ColumnAccumulator`, and `Finishing` turns them into cells: the same bits (promise P5).

public import FeatureModel

/// One thread's windows over one entity after the other. Not thread-safe.
public final class AdvancingWindows {
    /// What became of an entity's rows.
    public enum Beginning {
        case ready
        /// This entity is read faster, or can only be read, row by row.
        case unfit
        /// More events than may be copied at once: try fewer rows.
        case tooMany
    }

    /// Events times columns that are copied at once.
    static let copiedMax = 1 << 20
    /// Events a row up to which moving over them is taken to be faster than a walk down a tree.
    static let eventsPerRow = 512

    private var columns = UnsafeMutableBufferPointer<CountedColumn>(start: nil, count: 0)
    private var groups: [AdvancingGroup] = []
    private var boundary = Boundary.strict
    private var knownAt: Int64 = .max
    /// The first event time known at K, dropped events among them.
    private var firstTime: Int64 = .max
    private var dropped: DroppedEvents?

    public init() {}

    deinit { free() }

    private func free() {
        for column in columns { column.free() }
        columns.deinitialize().deallocate()
        columns = UnsafeMutableBufferPointer(start: nil, count: 0)
        groups = []
    }

    /// The rows that are about to be read, and the Ks at which they are.
    public struct Rows {
        public var first: Instant
        public var last: Instant
        public var count: Int
        public var knownAt: ClosedRange<Instant>
        /// The T of each row, where K is its T or the greatest of the Ks, whichever is earlier; empty where it may not be.
        public var rowTimes: [Instant]
        public var boundary: Boundary

        public init(
            first: Instant,
            last: Instant,
            count: Int,
            knownAt: ClosedRange<Instant>,
            rowTimes: [Instant],
            boundary: Boundary
        ) {
            self.first = first
            self.last = last
            self.count = count
            self.knownAt = knownAt
            self.rowTimes = rowTimes
            self.boundary = boundary
        }
    }

    /// Takes from an entity what its rows need. To be called while the entity is held still; what follows is not.
    ///
    /// - Parameter number: names the plan: another number is another plan.
    public func begin(_ plan: AdvancingPlan, number: UInt64, _ events: EntityEvents, _ rows: Rows) -> Beginning {
        if plan.hasLifetime, events.dropped != nil { return .unfit }
        let (least, most) = (rows.knownAt.lowerBound.microseconds, rows.knownAt.upperBound.microseconds)
        // With one K for all rows, what counts is one list. So it is when all rows know everything, and mostly when each is
        // known at its own time.
        let isOneK = least == most || least >= max(events.newestArrival, events.dropped?.newestArrival ?? .min)
        guard isOneK || (!rows.rowTimes.isEmpty && least >= events.dropped?.newestArrival ?? .min) else {
            return .unfit
        }
        prepare(plan, number)
        boundary = rows.boundary
        knownAt = isOneK ? least : most
        dropped = events.dropped
        let first = events.first(knownAt: knownAt)
        firstTime = min(first?.time ?? .max, dropped?.firstTime ?? .max)
        var times = RowTimes(rows.rowTimes, rows.boundary)
        if !isOneK, let first, times.covers(first.time, before: first.arrival) { return .unfit }
        times = RowTimes(rows.rowTimes, rows.boundary)
        return copy(plan, events, rows, isOneK ? nil : times)
    }

    private func copy(
        _ plan: AdvancingPlan,
        _ events: EntityEvents,
        _ rows: Rows,
        _ rowTimes: RowTimes?
    ) -> Beginning {
        let most = min(Self.copiedMax / max(1, columns.count), rows.count * Self.eventsPerRow)
        let reach = plan.reach(from: rows.first, to: rows.last, rows.boundary)
        var (seen, rowTimes, isUnfit) = (0, rowTimes, false)
        for place in columns.indices { columns[place].removeAll() }
        events.spans(of: reach) { span, range in
            seen += range.count
            guard seen <= most else { return false }
            isUnfit = rowTimes?.coverAny(span, range, knownAt: knownAt) ?? false
            if isUnfit { return false }
            for place in columns.indices {
                columns[place].append(span, range, plan.columns[place], knownAt: knownAt)
            }
            return true
        }
        if isUnfit { return .unfit }
        guard seen <= most else { return most < Self.copiedMax / max(1, columns.count) ? .unfit : .tooMany }
        for group in groups { group.reset(columns) }
        return .ready
    }

    private var number: UInt64?

    private func prepare(_ plan: AdvancingPlan, _ number: UInt64) {
        guard self.number != number else { return }
        free()
        self.number = number
        columns = .allocate(capacity: plan.columns.count)
        for place in columns.indices { columns.initializeElement(at: place, to: CountedColumn()) }
        groups = plan.groups.indices.map { AdvancingGroup(plan, group: $0) }
    }

    /// Computes every result at T, which is not before that of the row before.
    ///
    /// - Parameter outputs: the cell in `cells` for each result, in the plan's order.
    public func evaluate(asOf: Instant, into cells: FeatureCells, outputs: UnsafePointer<Int32>) {
        let isFound = WindowInterval(allBefore: asOf, boundary: boundary).overlaps(first: firstTime, last: firstTime)
        for group in groups {
            group.move(to: asOf, boundary, columns)
            group.finish(
                asOf: asOf,
                boundary,
                knownAt: knownAt,
                dropped,
                isFound: isFound,
                into: cells,
                outputs: outputs
            )
        }
    }
}
