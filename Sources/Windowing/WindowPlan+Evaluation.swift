public import FeatureModel

extension WindowPlan {
    /// Computes every aggregation for one entity at (T, K). A pure function of its arguments: a lookup as of T and a
    /// training cell at T are both this call. Tree nodes that it comes by remember their tiles.
    ///
    /// - Parameters:
    ///   - events: all events of the entity.
    ///   - asOf: T.
    ///   - knownAt: K; events that arrived later do not count.
    ///   - outputs: the cell in `cells` for each aggregation, in the plan's order.
    public func evaluate(
        _ events: EntityEvents,
        asOf: Instant,
        knownAt: Instant,
        boundary: Boundary,
        into cells: FeatureCells,
        outputs: UnsafePointer<Int32>
    ) {
        let all = WindowInterval(allBefore: asOf, boundary: boundary)
        let isFound = events.hasEvent(in: all, knownAt: knownAt.microseconds)
        for group in groups {
            withUnsafeTemporaryAllocation(of: ColumnAccumulator.self, capacity: group.columns.count + 1) { states in
                states.initialize(repeating: ColumnAccumulator())
                defer { states.deinitialize() }
                let evaluation = WindowEvaluation(
                    columns: group.columns,
                    layout: layout,
                    knownAt: knownAt.microseconds,
                    states: states
                )
                var rest = WindowInterval(asOf: asOf, length: nil, offset: group.offset, boundary: boundary)
                for window in group.windows {
                    let interval = WindowInterval(
                        asOf: asOf,
                        length: window.length,
                        offset: group.offset,
                        boundary: boundary
                    )
                    events.add(rest.splitOff(from: interval.start), to: evaluation)
                    for output in window.outputs {
                        finish(
                            output,
                            states[output.column],
                            events,
                            interval: interval,
                            isFound: isFound,
                            cell: Int(outputs[output.cell]),
                            into: cells
                        )
                    }
                }
            }
        }
    }

    /// Turns an accumulator into value and status, by the precedence of statuses.
    private func finish(
        _ output: Output,
        _ column: ColumnAccumulator,
        _ events: EntityEvents,
        interval: WindowInterval,
        isFound: Bool,
        cell: Int,
        into cells: FeatureCells
    ) {
        let eventTime = column.count == 0 ? Int64.min : column.newestTime
        var slot: UInt64?
        var overflows = false
        if output.function == .count {
            slot = UInt64(bitPattern: column.count)
        } else if column.count > 0 {
            slot = value(output, column, events, into: cells)
            overflows = slot == nil
        } else if let string = output.defaultString {
            slot = string.withUnsafeBytes { cells.store($0) }
        } else {
            slot = output.defaultSlot
        }
        let status: FeatureStatus =
            if !isFound { .notFound } else if overflows {
                .overflow
            } else if interval.reachesBefore(output.availableFrom) {
                .partial
            } else if slot == nil { .nullValue } else { .present }
        cells.set(cell, status, slot: slot, eventTime: eventTime)
    }

    /// The function's result; nil when it does not fit its type.
    private func value(
        _ output: Output,
        _ column: ColumnAccumulator,
        _ events: EntityEvents,
        into cells: FeatureCells
    ) -> UInt64? {
        let isDouble = output.function == .mean || output.type == .float64
        switch output.function {
        case .count: return UInt64(bitPattern: column.count)
        case .min: return column.minimum
        case .max: return column.maximum
        case .first, .last:
            let slot = output.function == .first ? column.first : column.last
            return output.type == .string ? cells.store(events.string(slot)) : slot
        case .sum where !isDouble:
            return Int64(exactly: column.integerSum).map { UInt64(bitPattern: $0) }
        case .sum: return column.doubleSum.rounded.map(\.bitPattern)
        case .mean:
            // The rounded sum divided by the count, for integers too: a mean fits where its sum does not.
            let sum =
                column.integerSum != 0
                ? ExactSum.round(magnitude: column.integerSum.magnitude, isNegative: column.integerSum < 0, scale: 0)
                : column.doubleSum.rounded
            return sum.map { ($0 / Double(column.count)).bitPattern }
        }
    }
}
