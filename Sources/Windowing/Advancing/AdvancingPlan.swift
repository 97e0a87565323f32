import FeatureModel

/// Windows over one history that can move forward with T: see `AdvancingWindows`. Immutable; shared between threads.
public final class AdvancingPlan: Sendable {
    /// Windows that end together.
    struct Group: Sendable {
        var offset: Int64
        /// For each column of the group, its place among the plan's columns, and which of its extremes are asked for.
        var columns: [Column]
        var windows: [Window]
    }

    struct Column: Sendable {
        var place: Int
        var wantsMinimum: Bool
        var wantsMaximum: Bool
    }

    struct Window: Sendable {
        /// nil for `lifetime`.
        var length: Int64?
        var outputs: [WindowPlan.Output]
        /// What its outputs need of the group's columns.
        var members: [Member]
    }

    struct Member: Sendable {
        /// Its index among the group's columns.
        var column: Int
        var sums: Bool
    }

    let groups: [Group]
    /// Distinct (column, mask) pairs.
    let columns: [TileLayout.Column]
    let layout: TileLayout
    /// What finishing wants to know about columns.
    let groupColumns: [[WindowPlan.Column]]
    let hasLifetime: Bool
    /// The number of results; they are numbered by the order of the aggregations.
    public let count: Int

    /// Whether an aggregation's windows can advance: what it needs of its events is where the window begins and ends among
    /// them, an exact sum, or an extreme.
    public static func serves(_ aggregation: PlannedAggregation) -> Bool {
        guard aggregation.groupBy == nil, aggregation.stateKind == nil else { return false }
        switch aggregation.window {
        case .sliding, .lifetime: break
        case .events, .series: return false
        }
        switch aggregation.function {
        // A string's bytes stay with its entity.
        case .first, .last: return aggregation.column?.type != .string
        default: return true
        }
    }

    /// - Parameter aggregations: at least one; `serves` holds for each.
    public init(_ aggregations: [PlannedAggregation]) {
        let plan = WindowPlan(aggregations)
        count = plan.count
        layout = plan.layout
        columns = plan.layout.columns
        groupColumns = plan.groups.map(\.columns)
        hasLifetime = aggregations.contains { $0.window == .lifetime }
        groups = plan.groups.map { group in
            let outputs = group.windows.flatMap(\.outputs)
            func wants(_ function: AggregateFunction, _ column: Int) -> Bool {
                outputs.contains { $0.column == column && $0.function == function }
            }
            return Group(
                offset: group.offset,
                columns: group.columns.enumerated().map { index, column in
                    Column(place: column.place, wantsMinimum: wants(.min, index), wantsMaximum: wants(.max, index))
                },
                windows: group.windows.map { window in
                    Window(
                        length: window.length,
                        outputs: window.outputs,
                        members: Set(window.outputs.map(\.column)).sorted().map { column in
                            Member(
                                column: column,
                                sums: window.outputs.contains { $0.column == column && $0.parts.contains(.sum) }
                            )
                        }
                    )
                }
            )
        }
    }

    /// The event times that rows from `first` to `last` look at.
    func reach(from first: Instant, to last: Instant, _ boundary: Boundary) -> WindowInterval {
        var reach = WindowInterval(allBefore: last, boundary: boundary)
        var start = reach.end
        for group in groups {
            for window in group.windows {
                let interval = WindowInterval(
                    asOf: first,
                    length: window.length,
                    offset: group.offset,
                    boundary: boundary
                )
                start = min(start, interval.start)
            }
        }
        reach.start = start
        return reach
    }
}
