// Derived features of one row: the last step of a read, for a lookup and for a training row alike.
//
//   cells (slots, statuses) --\
//                              +--> ExpressionEvaluator, one row --> the feature's own cell
//   request values (slots) ---/
//
// The columns of the evaluation are the cells themselves: nothing is copied but the request's strings, and nothing is
// allocated once a reader has evaluators for the features that it is asked for.

import Expressions
import FeatureModel
import Windowing

/// A reader's evaluators and buffers, used again from row to row.
final class DerivedEvaluation {
    private struct State {
        /// Whose numbers the evaluators have.
        var features: DerivedFeatures?
        var evaluators: [ExpressionEvaluator?] = []
        var columns: ExpressionColumns
        /// A string result, before it is added to the cells' strings, which the evaluation reads.
        var made: [UInt8] = []
    }

    /// Behind a pointer: a class's own variables are checked for overlapping access, for every feature of every row.
    private let state: UnsafeMutablePointer<State>
    private let requestSlots: UnsafeMutablePointer<UInt64>
    private let nulls: UnsafeMutablePointer<UInt64>

    init() {
        requestSlots = .allocate(capacity: OnDemandFeatureView.requestCountMax)
        requestSlots.initialize(repeating: 0, count: OnDemandFeatureView.requestCountMax)
        nulls = .allocate(capacity: 1)
        nulls.initialize(to: 0)
        let columns = ExpressionColumns(
            columns: Array(repeating: UnsafePointer(requestSlots), count: ExpressionColumns.inputCountMax),
            nulls: UnsafePointer(nulls),
            strings: UnsafeRawBufferPointer(start: nil, count: 0)
        )
        state = .allocate(capacity: 1)
        state.initialize(to: State(columns: columns))
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
        requestSlots.deallocate()
        nulls.deallocate()
    }

    /// Fills the cells of the plan's derived features, whose inputs' cells are filled.
    ///
    /// - Parameter row: the row of `scratch.request` that belongs to the entity. Traps when there is none for a plan that
    ///   needs it.
    func run(_ plan: LookupPlan, _ scratch: ReadScratch, row: Int) {
        if state.pointee.features !== plan.derivedFeatures {
            state.pointee.features = plan.derivedFeatures
            state.pointee.evaluators = Array(repeating: nil, count: plan.derivedFeatures.count)
        }
        let cells = scratch.cells
        let requestNulls = plan.request.isEmpty ? 0 : take(plan.request, scratch.request, row: row, cells)
        let row = Row(
            statuses: cells.statuses,
            slots: cells.slots,
            eventTimes: cells.eventTimes,
            requestNulls: requestNulls
        )
        plan.derived.withUnsafeBufferPointer { derived in
            for place in derived.indices { fill(derived[place], row, cells, plan.derivedFeatures) }
        }
    }

    /// Where the cells are, read once for all features.
    private struct Row {
        let statuses: UnsafeMutablePointer<UInt8>
        let slots: UnsafeMutablePointer<UInt64>
        let eventTimes: UnsafeMutablePointer<Int64>
        /// A bit for each request value that is null.
        let requestNulls: UInt64

        func set(_ cell: Int, _ status: FeatureStatus, slot: UInt64?, eventTime: Int64) {
            statuses[cell] = status.rawValue | (slot == nil ? 0 : FeatureCells.hasValue)
            slots[cell] = slot ?? 0
            eventTimes[cell] = eventTime
        }
    }

    /// Copies a row of request values to where the evaluation reads; the bits of those that are null.
    private func take(_ fields: [Field], _ request: RequestValues, row: Int, _ cells: FeatureCells) -> UInt64 {
        precondition(request.fieldCount == fields.count && row < request.rowCount, "a row of the plan's request values")
        var nulls: UInt64 = 0
        for place in 0..<fields.count {
            let index = row * fields.count + place
            var slot = request.slots[index]
            if request.isNull[index] {
                nulls |= 1 << UInt64(place)
            } else if fields[place].type == .string {
                slot = request.strings.withUnsafeBytes { bytes in
                    let start = Int(slot >> 32)
                    let text = bytes[start..<(start + Int(slot & 0xffff_ffff))]
                    return cells.store(UnsafeRawBufferPointer(rebasing: text))
                }
            }
            requestSlots[place] = slot
        }
        return nulls
    }

    private func fill(_ derived: DerivedCell, _ row: Row, _ cells: FeatureCells, _ features: DerivedFeatures) {
        var inputs = InputStatuses()
        var newest = Int64.min
        var nullBits: UInt64 = 0
        for place in 0..<derived.inputs.count {
            let isNull: Bool
            switch derived.inputs[place] {
            case .cell(let cell):
                isNull = !inputs.take(row.statuses[cell])
                newest = max(newest, row.eventTimes[cell])
                state.pointee.columns.columns[place] = UnsafePointer(row.slots + cell)
            case .request(let field):
                isNull = row.requestNulls >> UInt64(field) & 1 != 0
                state.pointee.columns.columns[place] = UnsafePointer(requestSlots + field)
            }
            if isNull { nullBits |= 1 << UInt64(place) }
        }
        if let status = inputs.withoutEvaluation {
            row.set(derived.cell, status, slot: nil, eventTime: newest)
            return
        }
        nulls.pointee = nullBits
        var slot: UInt64 = 0
        var outcome = ExpressionOutcome.null
        if derived.hasStrings {
            outcome = evaluateWithStrings(derived, cells, features, &slot)
        } else {
            evaluator(derived.number, features).evaluate(
                state.pointee.columns,
                rows: 0..<1,
                slots: &slot,
                outcomes: &outcome,
                strings: &state.pointee.made
            )
        }
        let status = inputs.status(outcome)
        row.set(derived.cell, status, slot: outcome == .value ? slot : nil, eventTime: newest)
    }

    private func evaluateWithStrings(
        _ derived: DerivedCell,
        _ cells: FeatureCells,
        _ features: DerivedFeatures,
        _ slot: inout UInt64
    ) -> ExpressionOutcome {
        var outcome = ExpressionOutcome.null
        let evaluator = evaluator(derived.number, features)
        state.pointee.made.removeAll(keepingCapacity: state.pointee.made.count <= RequestValues.stringByteCountMax)
        cells.strings.withUnsafeBytes { strings in
            state.pointee.columns.strings = strings
            evaluator.evaluate(
                state.pointee.columns,
                rows: 0..<1,
                slots: &slot,
                outcomes: &outcome,
                strings: &state.pointee.made
            )
            state.pointee.columns.strings = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        if outcome == .value, derived.isString { slot = state.pointee.made.withUnsafeBytes { cells.store($0) } }
        return outcome
    }

    @inline(__always)
    private func evaluator(_ number: Int, _ features: DerivedFeatures) -> ExpressionEvaluator {
        state.pointee.evaluators[number] ?? makeEvaluator(number, features)
    }

    @inline(never)
    private func makeEvaluator(_ number: Int, _ features: DerivedFeatures) -> ExpressionEvaluator {
        let evaluator = ExpressionEvaluator(features.expressions[number], width: 1)
        state.pointee.evaluators[number] = evaluator
        return evaluator
    }
}

/// The statuses of a derived feature's inputs, and what follows from them; docs/semantics.md has the table.
struct InputStatuses {
    /// A bit for each status that was seen.
    private var seen: UInt16 = 0

    /// Takes the status byte of an input.
    ///
    /// - Returns: whether the expression sees a value there: not of an attribute that is too old.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        let status = byte & ~FeatureCells.hasValue
        seen |= 1 << UInt16(status & 15)
        return byte & FeatureCells.hasValue != 0 && status != FeatureStatus.outsideMaxAge.rawValue
    }

    private func has(_ status: FeatureStatus) -> Bool { seen >> UInt16(status.rawValue) & 1 != 0 }

    /// There are inputs, and all of them are NOT_FOUND.
    private var isNotFound: Bool { seen == 1 << UInt16(FeatureStatus.notFound.rawValue) }

    /// The status where the inputs alone decide: then there is no value.
    var withoutEvaluation: FeatureStatus? {
        has(.outsideRetention) ? .outsideRetention : has(.overflow) ? .overflow : nil
    }

    func status(_ outcome: ExpressionOutcome) -> FeatureStatus {
        if isNotFound { return .notFound }
        if outcome == .overflow { return .overflow }
        if has(.partial) { return .partial }
        return outcome == .null ? .nullValue : .present
    }
}
