import FeatureModel

/// The windows of one group while they move. Owned by one thread.
final class AdvancingGroup {
    /// One window over one column.
    private struct Piece {
        /// Its events among the column's.
        var low = 0
        var high = 0
        var column: Int
        var sums: Bool
    }

    private struct Column {
        /// Its place among the plan's columns.
        var place: Int
        var kind: ColumnKind
        /// Where all windows end among its events.
        var end = 0
        var minima: ExtremeQueue?
        var maxima: ExtremeQueue?
    }

    private let plan: AdvancingPlan
    private let group: AdvancingPlan.Group
    private let evaluationColumns: [WindowPlan.Column]
    private let columns: UnsafeMutableBufferPointer<Column>
    /// Window after window.
    private let pieces: UnsafeMutableBufferPointer<Piece>
    /// For each window, where its pieces begin; one more for the end.
    private let starts: [Int]
    /// One a window and column.
    private let states: UnsafeMutableBufferPointer<ColumnAccumulator>

    /// - Parameter index: of the plan's group.
    init(_ plan: AdvancingPlan, group index: Int) {
        self.plan = plan
        let group = plan.groups[index]
        self.group = group
        evaluationColumns = plan.groupColumns[index]
        columns = .allocate(capacity: group.columns.count)
        for (number, column) in group.columns.enumerated() {
            let kind = plan.columns[column.place].kind
            func queue(isMinimum: Bool) -> ExtremeQueue {
                ExtremeQueue(windows: group.windows.count, kind: kind, isMinimum: isMinimum)
            }
            columns.initializeElement(
                at: number,
                to: Column(
                    place: column.place,
                    kind: kind,
                    minima: column.wantsMinimum ? queue(isMinimum: true) : nil,
                    maxima: column.wantsMaximum ? queue(isMinimum: false) : nil
                )
            )
        }
        let members = group.windows.flatMap(\.members)
        starts = group.windows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.members.count) }
        pieces = .allocate(capacity: members.count)
        for (number, member) in members.enumerated() {
            pieces.initializeElement(at: number, to: Piece(column: member.column, sums: member.sums))
        }
        states = .allocate(capacity: group.windows.count * group.columns.count)
        states.initialize(repeating: ColumnAccumulator())
    }

    deinit {
        for column in columns {
            column.minima?.free()
            column.maxima?.free()
        }
        columns.deinitialize().deallocate()
        pieces.deinitialize().deallocate()
        states.deinitialize().deallocate()
    }

    /// Begins with another entity's events.
    func reset(_ counted: UnsafeMutableBufferPointer<CountedColumn>) {
        for index in pieces.indices { (pieces[index].low, pieces[index].high) = (0, 0) }
        for index in states.indices { states[index] = ColumnAccumulator() }
        for index in columns.indices {
            let count = counted[columns[index].place].count
            columns[index].end = 0
            columns[index].minima?.reset(count: count)
            columns[index].maxima?.reset(count: count)
        }
    }

    /// Moves all windows to T.
    func move(to asOf: Instant, _ boundary: Boundary, _ counted: UnsafeMutableBufferPointer<CountedColumn>) {
        let end = WindowInterval(asOf: asOf, length: nil, offset: group.offset, boundary: boundary).end
        for index in columns.indices {
            let events = counted[columns[index].place]
            columns[index].end = WindowInterval.index(
                of: end,
                in: events.times,
                count: events.count,
                from: columns[index].end
            )
        }
        for window in 0..<(starts.count - 1) {
            let start = interval(window, asOf, boundary).start
            for index in starts[window]..<starts[window + 1] {
                let (old, column) = (pieces[index], pieces[index].column)
                let events = counted[columns[column].place]
                let high = columns[column].end
                let low = WindowInterval.index(of: start, in: events.times, count: high, from: old.low)
                guard low != old.low || high != old.high else { continue }
                (pieces[index].low, pieces[index].high) = (low, high)
                let state = window * columns.count + column
                if old.sums {
                    states[state].moveSum(events.slots, columns[column].kind, from: old.low..<old.high, to: low..<high)
                }
                states[state].take(events, low..<high)
            }
        }
        for index in columns.indices { moveExtremes(index, counted[columns[index].place].slots) }
    }

    private func interval(_ window: Int, _ asOf: Instant, _ boundary: Boundary) -> WindowInterval {
        WindowInterval(
            asOf: asOf,
            length: group.windows[window].length,
            offset: group.offset,
            boundary: boundary
        )
    }

    private func moveExtremes(_ column: Int, _ slots: UnsafePointer<UInt64>) {
        guard columns[column].minima != nil || columns[column].maxima != nil else { return }
        let end = columns[column].end
        var longest = end
        for piece in pieces where piece.column == column { longest = min(longest, piece.low) }
        columns[column].minima?.push(slots, from: longest, to: end)
        columns[column].maxima?.push(slots, from: longest, to: end)
        for window in 0..<(starts.count - 1) {
            for index in starts[window]..<starts[window + 1] {
                let piece = pieces[index]
                guard piece.column == column, piece.low < piece.high else { continue }
                let state = window * columns.count + column
                if let least = columns[column].minima?.extreme(slots, window: window, from: piece.low) {
                    states[state].minimum = least
                }
                if let most = columns[column].maxima?.extreme(slots, window: window, from: piece.low) {
                    states[state].maximum = most
                }
            }
        }
    }

    /// Turns the states into cells.
    func finish(
        asOf: Instant,
        _ boundary: Boundary,
        knownAt: Int64,
        _ dropped: DroppedEvents?,
        isFound: Bool,
        into cells: FeatureCells,
        outputs: UnsafePointer<Int32>
    ) {
        evaluationColumns.withUnsafeBufferPointer { evaluationColumns in
            for window in group.windows.indices {
                let interval = interval(window, asOf, boundary)
                let finishing = Finishing(
                    evaluation: WindowEvaluation(
                        columns: evaluationColumns,
                        layout: plan.layout,
                        knownAt: knownAt,
                        states: UnsafeMutableBufferPointer(
                            rebasing: states[(window * columns.count)..<((window + 1) * columns.count)]
                        ),
                        functions: UnsafeBufferPointer(start: nil, count: 0),
                        functionStates: UnsafeMutableBufferPointer(start: nil, count: 0)
                    ),
                    events: EntityEvents(),
                    asOf: asOf,
                    offset: group.offset,
                    isFound: isFound,
                    cells: cells,
                    outputs: outputs
                )
                let isOutside = dropped?.isTouched(by: interval, knownAt: knownAt) ?? false
                finishing.finish(group.windows[window].outputs, start: interval.start, isOutside: isOutside)
            }
        }
    }
}

extension ColumnAccumulator {
    /// What the places of a window's events tell.
    fileprivate mutating func take(_ column: CountedColumn, _ range: Range<Int>) {
        count = Int64(range.count)
        guard let oldest = range.first, let newest = range.last else { return }
        oldestTime = column.times[oldest]
        newestTime = column.times[newest]
        first = column.slots[oldest]
        last = column.slots[newest]
    }
}
