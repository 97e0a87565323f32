// The last step of an evaluation: from states to values and statuses.

import FeatureModel

/// What finishing the windows of one group needs. Borrows its memory: never stored.
struct Finishing {
    let evaluation: WindowEvaluation
    let events: EntityEvents
    /// T.
    let asOf: Instant
    let offset: Int64
    /// Whether the entity has any event before T known at K.
    let isFound: Bool
    /// K.
    var knownAt: Int64 { evaluation.knownAt }
    /// Unowned, as they outlive the evaluation.
    unowned(unsafe) let cells: FeatureCells
    /// The cell of each aggregation.
    let outputs: UnsafePointer<Int32>

    /// - Parameter end: where the window ends by the strict rule.
    func input(_ output: UnsafePointer<WindowPlan.Output>, end: Instant) -> FunctionInput {
        FunctionInput(
            // The states outlive the call: they are read where they stand, never copied.
            column: UnsafePointer(evaluation.states.baseAddress.unsafelyUnwrapped + output.pointee.column),
            state: output.pointee.state.flatMap { state in
                evaluation.functionStates.baseAddress.map { UnsafePointer($0 + state) }
            },
            parameters: output.pointee.parameters,
            columnType: output.pointee.columnType,
            categoryType: output.pointee.categoryType,
            asOf: asOf,
            end: end,
            events: events,
            cells: cells
        )
    }

    // MARK: Retention

    /// Whether a window would need events that history has dropped.
    func isTouched(by interval: WindowInterval) -> Bool {
        events.base?.pointee.isTouched(by: interval, knownAt: knownAt) ?? false
    }

    /// The same for the newest events: dropped ones are older than all that are kept.
    func isTouched(by newest: NewestEvents, in interval: WindowInterval) -> Bool {
        guard let base = events.base else { return false }
        var needed = interval
        // All that were wanted are here: none of the dropped can be among them.
        if newest.wanted == 0 { needed.start = interval.end }
        return base.pointee.isTouched(by: needed, knownAt: knownAt)
    }

    // MARK: Windows

    /// - Parameters:
    ///   - start: where the window begins, by the rule for `WindowInterval`.
    ///   - isOutside: whether it would need events that history has dropped.
    func finish(_ outputs: [WindowPlan.Output], start: Int64, isOutside: Bool) {
        outputs.withUnsafeBufferPointer { finish($0, start: start, isOutside: isOutside) }
    }

    /// The same for outputs that are borrowed: read where they stand, since a copy of each would cost more than most results.
    func finish(_ outputs: UnsafeBufferPointer<WindowPlan.Output>, start: Int64, isOutside: Bool) {
        guard let first = outputs.baseAddress else { return }
        for number in 0..<outputs.count { finish(first + number, start: start, isOutside: isOutside) }
    }

    /// `lifetime` windows of an entity that has dropped events, once the base is among the states.
    func finish(_ outputs: [WindowPlan.Output], over base: UnsafePointer<HistoryBase>, in interval: WindowInterval) {
        let isWhole = base.pointee.isWhole(in: interval, knownAt: knownAt)
        for output in outputs {
            let column = evaluation.columns[output.column]
            let isKept =
                base.pointee.state(of: column.column, parts: output.parts) != nil
                && output.state.map {
                    base.pointee.state(of: evaluation.functions[$0].column, evaluation.functions[$0].kind) != nil
                } ?? true
            let isOutside = !(isWhole && (isKept || !base.pointee.lies(in: interval)))
            withUnsafePointer(to: output) { finish($0, start: interval.start, isOutside: isOutside) }
        }
    }

    @inline(__always)
    private func finish(_ output: UnsafePointer<WindowPlan.Output>, start: Int64, isOutside: Bool) {
        if isOutside {
            return cells.set(Int(outputs[output.pointee.cell]), .outsideRetention, slot: nil, eventTime: .min)
        }
        let input = input(output, end: asOf.advanced(by: -offset))
        let count = input.column.pointee.count
        set(
            output,
            input.result(of: output.pointee.function, count: count),
            isPartial: WindowInterval.reaches(from: start, before: output.pointee.availableFrom),
            newestTime: count == 0 ? .min : input.column.pointee.newestTime
        )
    }

    func finish(_ series: SeriesResult) {
        if series.isOutside {
            return cells.set(Int(outputs[series.output.cell]), .outsideRetention, slot: nil, eventTime: .min)
        }
        withUnsafePointer(to: series.output) {
            set($0, series.result(in: cells), isPartial: series.isPartial, newestTime: series.newestTime)
        }
    }

    /// Turns a function's result into value and status, by the precedence of statuses.
    @inline(__always)
    private func set(
        _ output: UnsafePointer<WindowPlan.Output>,
        _ result: FunctionResult,
        isPartial: Bool,
        newestTime: Int64
    ) {
        var slot: UInt64?
        var overflows = false
        switch result {
        case .value(let value): slot = value
        case .overflow: overflows = true
        case .null:
            slot =
                output.pointee.defaultString.map { string in string.withUnsafeBytes { cells.store($0) } }
                ?? output.pointee.defaultSlot
        }
        let status: FeatureStatus =
            if !isFound { .notFound } else if overflows { .overflow } else if isPartial { .partial } else if slot == nil
            {
                .nullValue
            } else { .present }
        cells.set(Int(outputs[output.pointee.cell]), status, slot: slot, eventTime: newestTime)
    }
}

/// The values of a series while its windows are finished, the newest window first.
struct SeriesResult {
    let output: WindowPlan.Output
    private var values: [FeatureValue] = []
    private var overflows = false
    private(set) var isPartial = false
    private(set) var isOutside = false
    private(set) var newestTime: Int64 = .min

    init(_ output: WindowPlan.Output) { self.output = output }

    mutating func add(_ input: FunctionInput, start: Int64, isOutside: Bool) {
        if isOutside {
            self.isOutside = true
            return
        }
        let count = input.column.pointee.count
        switch input.result(of: output.function, count: count) {
        case .value(let slot): values.append(input.cells.value(slot, type: output.type.element))
        case .null: values.append(output.defaultValue)
        case .overflow: overflows = true
        }
        if count > 0 { newestTime = max(newestTime, input.column.pointee.newestTime) }
        if WindowInterval.reaches(from: start, before: output.availableFrom) { isPartial = true }
    }

    /// The list, oldest window first; one value that does not fit makes the whole OVERFLOW.
    func result(in cells: FeatureCells) -> FunctionResult {
        if overflows { return .overflow }
        return .value(cells.store { FeaturePayload.append(list: values.reversed(), to: &$0) })
    }
}
