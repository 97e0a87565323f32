public import FeatureModel

extension WindowPlan {
    /// Computes every aggregation for one entity at (T, K). A pure function of its arguments: a lookup as of T and a
    /// training cell at T are both this call.
    ///
    /// - Parameters:
    ///   - span: all events of the entity, or at least all that any window of the plan covers.
    ///   - asOf: T.
    ///   - knownAt: K; events that arrived later do not count.
    ///   - outputs: the cell in `cells` for each aggregation, in the plan's order.
    public func evaluate(
        _ span: EventSpan,
        asOf: Instant,
        knownAt: Instant,
        boundary: Boundary,
        into cells: FeatureCells,
        outputs: UnsafePointer<Int32>
    ) {
        let isFound = hasEvent(span, asOf: asOf, knownAt: knownAt.microseconds, boundary: boundary)
        for group in groups {
            evaluate(
                group,
                span,
                asOf: asOf,
                knownAt: knownAt.microseconds,
                boundary: boundary,
                isFound: isFound,
                into: cells,
                outputs: outputs
            )
        }
    }

    /// Whether the entity has any event before T known at K.
    private func hasEvent(_ span: EventSpan, asOf: Instant, knownAt: Int64, boundary: Boundary) -> Bool {
        let all = WindowInterval(allBefore: asOf, boundary: boundary)
        let end = WindowInterval.index(of: all.end, in: span.times, count: span.count)
        if end == 0 || span.newestArrival <= knownAt { return end > 0 }
        var index = end
        while index > 0 {
            index -= 1
            if span.arrivals[index] <= knownAt { return true }
        }
        return false
    }

    private func evaluate(
        _ group: Group,
        _ span: EventSpan,
        asOf: Instant,
        knownAt: Int64,
        boundary: Boundary,
        isFound: Bool,
        into cells: FeatureCells,
        outputs: UnsafePointer<Int32>
    ) {
        withUnsafeTemporaryAllocation(of: ColumnAccumulator.self, capacity: group.columns.count + 1) { accumulators in
            accumulators.initialize(repeating: ColumnAccumulator())
            defer { accumulators.deinitialize() }
            var events = EventCounter()
            let ending = WindowInterval(asOf: asOf, length: nil, offset: group.offset, boundary: boundary)
            var reached = WindowInterval.index(of: ending.end, in: span.times, count: span.count)
            for window in group.windows {
                let interval = WindowInterval(
                    asOf: asOf,
                    length: window.length,
                    offset: group.offset,
                    boundary: boundary
                )
                let start = min(reached, WindowInterval.index(of: interval.start, in: span.times, count: reached))
                let added = start..<reached
                if group.countsEvents { events.extend(over: span, range: added, knownAt: knownAt) }
                for (slot, column) in group.columns.enumerated() {
                    accumulators[slot].extend(
                        over: span,
                        column: column.index,
                        kind: column.kind,
                        parts: column.parts,
                        range: added,
                        knownAt: knownAt
                    )
                }
                reached = start
                for output in window.outputs {
                    finish(
                        output,
                        events: events,
                        column: output.column.map { accumulators[$0] },
                        span: span,
                        interval: interval,
                        isFound: isFound,
                        cell: Int(outputs[output.cell]),
                        into: cells
                    )
                }
            }
        }
    }

    /// Turns an accumulator into value and status, by the precedence of statuses.
    private func finish(
        _ output: Output,
        events: EventCounter,
        column: ColumnAccumulator?,
        span: EventSpan,
        interval: WindowInterval,
        isFound: Bool,
        cell: Int,
        into cells: FeatureCells
    ) {
        let count = column?.count ?? events.count
        let eventTime = count == 0 ? Int64.min : column?.newestTime ?? events.newestTime
        var slot: UInt64?
        var overflows = false
        if output.function == .count {
            slot = UInt64(bitPattern: count)
        } else if count > 0, let column {
            slot = value(output, column, span: span, into: cells)
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
    private func value(_ output: Output, _ column: ColumnAccumulator, span: EventSpan, into cells: FeatureCells)
        -> UInt64?
    {
        let isDouble = output.function == .mean || output.type == .float64
        switch output.function {
        case .count: return UInt64(bitPattern: column.count)
        case .min: return column.minimum
        case .max: return column.maximum
        case .first, .last:
            let slot = output.function == .first ? column.first : column.last
            return output.type == .string ? cells.store(span.string(slot)) : slot
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

/// Counts events regardless of columns, extended from a window's end towards its start like `ColumnAccumulator`.
struct EventCounter {
    var count: Int64 = 0
    var newestTime: Int64 = .min

    mutating func extend(over span: EventSpan, range: Range<Int>, knownAt: Int64) {
        guard !range.isEmpty else { return }
        if span.newestArrival <= knownAt {
            if count == 0 { newestTime = span.times[range.upperBound - 1] }
            count += Int64(range.count)
            return
        }
        for index in range.reversed() where span.arrivals[index] <= knownAt {
            if count == 0 { newestTime = span.times[index] }
            count += 1
        }
    }
}
