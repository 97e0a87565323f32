// As T moves on, windows change only when one of their edges passes an event. Between two such instants every function of
// the windows' events has the same value.
//
//   events           x      x            x  x      x
//   window at T         [ ............... )                 start and end stand at fixed distances from T
//   steady              ^^^^              ^^               how far each edge may move; together: the instants T that read alike
//
// Values that change with time itself (decayed sums, times since an event) are never steady.

public import FeatureModel

/// The instants T, `[from, until)` in microseconds, at which reads of an entity give the same bits.
@frozen
public struct SteadyInterval: Hashable, Sendable {
    public var from: Int64
    public var until: Int64

    @inlinable
    public init(from: Int64 = .min, until: Int64 = .max) {
        self.from = from
        self.until = until
    }

    @inlinable
    public func contains(_ asOf: Int64) -> Bool { asOf >= from && asOf < until }

    /// Takes into account an edge that stands at `edge` when T is `asOf`, between two event times that it may not pass.
    ///
    /// - Parameters:
    ///   - before: the newest event time before the edge; `Int64.min` when there is none.
    ///   - after: the oldest event time at or after the edge; `Int64.max` when there is none.
    mutating func narrow(edge: Int64, asOf: Int64, before: Int64, after: Int64) {
        let (distance, isFar) = asOf.subtractingReportingOverflow(edge)
        guard !isFar else {
            // Beyond what can be computed: only this T.
            (from, until) = (asOf, asOf)
            return
        }
        // The edge must stay behind `before`: T > before + distance. It ends there: before < edge = asOf - distance.
        if before != .min { from = max(from, before + distance + 1) }
        // And it may come up to `after`, not past it: T <= after + distance.
        let (last, isEndless) = after.addingReportingOverflow(distance)
        if after != .max, !isEndless, last < .max { until = min(until, last + 1) }
    }
}

extension WindowPlan {
    /// The edges of a plan's windows.
    struct Edges: Sendable {
        /// How far before T edges stand that follow the boundary's rule, ascending, in microseconds.
        var distances: [Int64] = [0]
        /// The same of edges that the boundary does not move: the ages of attributes.
        var ages: [Int64] = []
        /// From where on values are complete: a window that begins before is PARTIAL.
        var availableFrom: [Int64] = []

        /// More edges cost more than they save.
        static let countMax = 32

        /// - Returns: nil when values change with time itself, or there are too many edges.
        init?(_ aggregations: [PlannedAggregation], _ attributes: [PlannedAttribute]) {
            var distances: Set<Int64> = [0]
            var isFar = false
            func add(_ offset: Int64, _ length: Int64) {
                let (distance, overflows) = offset.addingReportingOverflow(length)
                distances.insert(distance)
                if overflows { isFar = true }
            }
            for aggregation in aggregations {
                switch aggregation.function {
                case .decayedSum, .decayedCount, .timeSinceLast, .timeSinceFirst: return nil
                default: break
                }
                distances.insert(aggregation.offset)
                switch aggregation.window {
                case .sliding(let length): add(aggregation.offset, length)
                case .series(let count, let step):
                    guard count <= Self.countMax else { return nil }
                    for number in 1...Int64(max(1, count)) { add(aggregation.offset, step * number) }
                case .lifetime, .events: break
                }
            }
            self.distances = distances.sorted()
            ages = Set(attributes.compactMap(\.maxAge)).sorted()
            availableFrom = Set(aggregations.map(\.availableFrom.microseconds)).filter { $0 > .min }.sorted()
            guard !isFar, distances.count + ages.count <= Self.countMax else { return nil }
        }
    }

    /// Whether results stay the same for a while as T moves.
    public var isSteady: Bool { edges != nil }

    /// The instants around T that read as T does, as long as no event comes in and for a K at which all events are known.
    ///
    /// - Returns: nil when that cannot be told.
    public func steady(_ events: EntityEvents, asOf: Instant, boundary: Boundary) -> SteadyInterval? {
        guard let edges else { return nil }
        // Which dropped version a read comes by is not an edge's matter.
        if !versions.isEmpty, events.base != nil { return nil }
        var steady = SteadyInterval()
        for distance in edges.distances {
            let edge = WindowInterval(asOf: asOf, length: nil, offset: distance, boundary: boundary).end
            narrow(&steady, edge, edges, asOf, events)
        }
        for age in edges.ages { narrow(&steady, asOf.advanced(by: -age).microseconds, edges, asOf, events) }
        return steady
    }

    private func narrow(
        _ steady: inout SteadyInterval,
        _ edge: Int64,
        _ edges: Edges,
        _ asOf: Instant,
        _ events: EntityEvents
    ) {
        var (before, after) = events.neighbours(of: edge)
        func meet(_ time: Int64) {
            if time < edge { before = max(before, time) } else { after = min(after, time) }
        }
        // A window that begins before `from` is partial: the same as if an event stood right before it.
        for from in edges.availableFrom { meet(from - 1) }
        if let dropped = events.dropped {
            meet(dropped.firstTime)
            meet(dropped.lastTime)
        }
        steady.narrow(edge: edge, asOf: asOf.microseconds, before: before, after: after)
    }
}
