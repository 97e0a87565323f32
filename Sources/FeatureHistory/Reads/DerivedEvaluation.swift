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
    /// Whose numbers the evaluators have.
    private var features: DerivedFeatures?
    private var evaluators: [ExpressionEvaluator?] = []
    private var requestSlots: UnsafeMutablePointer<UInt64>
    private let nulls: UnsafeMutablePointer<UInt64>
    private var columns: ExpressionColumns
    /// A string result, before it is added to the cells' strings, which the evaluation reads.
    private var made: [UInt8] = []

    init() {
        requestSlots = .allocate(capacity: OnDemandFeatureView.requestCountMax)
        requestSlots.initialize(repeating: 0, count: OnDemandFeatureView.requestCountMax)
        nulls = .allocate(capacity: 1)
        nulls.initialize(to: 0)
        columns = ExpressionColumns(
            columns: Array(repeating: UnsafePointer(requestSlots), count: ExpressionColumns.inputCountMax),
            nulls: UnsafePointer(nulls),
            strings: UnsafeRawBufferPointer(start: nil, count: 0)
        )
    }

    deinit {
        requestSlots.deallocate()
        nulls.deallocate()
    }

    /// Fills the cells of the plan's derived features, whose inputs' cells are filled.
    ///
    /// - Parameter row: the row of `request` that belongs to the entity. Traps when it has none for a plan that needs it.
    func run(_ plan: LookupPlan, _ cells: FeatureCells, _ request: RequestValues, row: Int) {
        if features !== plan.derivedFeatures {
            features = plan.derivedFeatures
            evaluators = Array(repeating: nil, count: plan.derivedFeatures.count)
        }
        let requestNulls = take(plan.request, request, row: row, cells)
        for derived in plan.derived { fill(derived, cells, requestNulls) }
    }

    /// Copies a row of request values to where the evaluation reads; the bits of those that are null.
    private func take(_ fields: [Field], _ request: RequestValues, row: Int, _ cells: FeatureCells) -> UInt64 {
        guard !fields.isEmpty else { return 0 }
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

    private func fill(_ derived: DerivedCell, _ cells: FeatureCells, _ requestNulls: UInt64) {
        var inputs = InputStatuses()
        var newest = Int64.min
        var nullBits: UInt64 = 0
        for place in 0..<derived.inputs.count {
            let isNull: Bool
            switch derived.inputs[place] {
            case .cell(let cell):
                isNull = !inputs.take(cells.statuses[cell])
                newest = max(newest, cells.eventTimes[cell])
                columns.columns[place] = UnsafePointer(cells.slots + cell)
            case .request(let field):
                isNull = requestNulls >> UInt64(field) & 1 != 0
                columns.columns[place] = UnsafePointer(requestSlots + field)
            }
            if isNull { nullBits |= 1 << UInt64(place) }
        }
        if let status = inputs.withoutEvaluation {
            cells.set(derived.cell, status, slot: nil, eventTime: newest)
            return
        }
        nulls.pointee = nullBits
        var slot: UInt64 = 0
        var outcome = ExpressionOutcome.null
        made.removeAll(keepingCapacity: made.count <= RequestValues.stringByteCountMax)
        let evaluator = evaluator(of: derived)
        cells.strings.withUnsafeBytes { strings in
            columns.strings = strings
            evaluator.evaluate(columns, rows: 0..<1, slots: &slot, outcomes: &outcome, strings: &made)
        }
        if outcome == .value, derived.expression.resultType == .string {
            slot = made.withUnsafeBytes { cells.store($0) }
        }
        let status = inputs.status(outcome)
        cells.set(derived.cell, status, slot: outcome == .value ? slot : nil, eventTime: newest)
    }

    private func evaluator(of derived: DerivedCell) -> ExpressionEvaluator {
        if let evaluator = evaluators[derived.number] { return evaluator }
        let evaluator = ExpressionEvaluator(derived.expression, width: 1)
        evaluators[derived.number] = evaluator
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
