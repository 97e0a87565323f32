/// The states of one group of windows while its events are added, from the windows' end towards their starts. Borrows its
/// memory: never stored.
struct WindowEvaluation {
    let columns: UnsafeBufferPointer<WindowPlan.Column>
    let layout: TileLayout
    /// K; events that arrived later do not count.
    let knownAt: Int64
    /// One a column.
    let states: UnsafeMutableBufferPointer<ColumnAccumulator>
    let functions: UnsafeBufferPointer<WindowPlan.Function>
    /// One a function.
    let functionStates: UnsafeMutableBufferPointer<FunctionState>

    /// Adds rows of a span, event by event.
    func extend(over span: EventSpan, _ rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        for slot in 0..<columns.count {
            let column = columns[slot]
            states[slot].extend(over: span, column.column, parts: column.parts, range: rows, knownAt: knownAt)
        }
        for slot in 0..<functions.count {
            functionStates[slot].extend(over: span, functions[slot].column, range: rows, knownAt: knownAt)
        }
    }

    /// Adds what is left of dropped events, which are all older than those added before. Where the base lacks a state or a
    /// part of one, what is here is not the whole: `Finishing` asks for that.
    func merge(_ base: UnsafePointer<HistoryBase>) {
        for slot in 0..<columns.count {
            let column = columns[slot]
            guard let state = base.pointee.state(of: column.column, parts: []) else { continue }
            states[slot].merge(older: state, column.column.kind)
        }
        for slot in 0..<functions.count {
            guard let state = base.pointee.state(of: functions[slot].column, functions[slot].kind) else { continue }
            functionStates[slot].merge(older: state)
        }
    }

    /// Begins anew, with no events.
    func reset() {
        for slot in 0..<columns.count { states[slot] = ColumnAccumulator() }
        for slot in 0..<functions.count {
            functionStates[slot] = FunctionState(functions[slot].kind, functions[slot].column.kind)
        }
    }

    /// Runs `body` with fresh states for a group.
    static func with(
        _ group: WindowPlan.Group,
        _ layout: TileLayout,
        knownAt: Int64,
        _ body: (WindowEvaluation) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: ColumnAccumulator.self, capacity: group.columns.count) { states in
            states.initialize(repeating: ColumnAccumulator())
            defer { states.deinitialize() }
            withUnsafeTemporaryAllocation(of: FunctionState.self, capacity: group.functions.count) { functionStates in
                for (slot, function) in group.functions.enumerated() {
                    functionStates.initializeElement(at: slot, to: FunctionState(function.kind, function.column.kind))
                }
                defer { functionStates.deinitialize() }
                group.columns.withUnsafeBufferPointer { columns in
                    group.functions.withUnsafeBufferPointer { functions in
                        body(
                            WindowEvaluation(
                                columns: columns,
                                layout: layout,
                                knownAt: knownAt,
                                states: states,
                                functions: functions,
                                functionStates: functionStates
                            )
                        )
                    }
                }
            }
        }
    }
}

/// How many of the newest events are still to be found, and how far back the last one found lies.
struct NewestEvents {
    /// An event belongs when its null word has none of these bits.
    let mask: UInt64
    var wanted: Int
    var oldestTime: Int64 = .max

    /// Adds rows of a span, from the newest on, as long as events are wanted.
    mutating func add(_ span: EventSpan, _ rows: Range<Int>, to evaluation: WindowEvaluation) {
        var start = rows.upperBound
        while wanted > 0,
            let row = span.newestCounted(in: rows.lowerBound..<start, mask: mask, knownAt: evaluation.knownAt)
        {
            start = row
            wanted -= 1
            oldestTime = span.times[row]
        }
        evaluation.extend(over: span, start..<rows.upperBound)
    }
}
