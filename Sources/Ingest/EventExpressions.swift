// What views compute from the events of a source, over the rows of one commit at once.
//
//   records --> fields that expressions read --> `inputs`, row for row --\
//           \-> batches, one a history      <-- columns of results <-- ExpressionEvaluator

import Expressions
import FeatureModel
import Windowing

/// Where a stored column's values come from, at ingest.
enum ColumnOrigin {
    /// A decoded field.
    case field(Int)
    /// An expression, by its place in `SourcePlan.expressions`.
    case expression(Int)
    /// True; of a tombstone null.
    case live
    /// The definition no longer has it, or it is not for ingest to know: stored as null.
    case absent
}

/// An expression of some view, compiled over the source's `expressionInputs`.
struct PlannedExpression {
    let column: StoredColumn
    let compiled: CompiledExpression

    /// Whether the result is a mark: there where the expression is true, else null.
    var isMark: Bool { if case .mark = column { true } else { false } }
}

/// Runs a source's expressions. For one thread at a time.
final class EventExpressions {
    private let expressions: [PlannedExpression]
    private let evaluators: [ExpressionEvaluator]
    /// The fields that expressions read, of the rows that are in the batches.
    let inputs: EventBatch
    private var slots: [UInt64] = []
    private var outcomes: [ExpressionOutcome] = []

    init(_ plan: SourcePlan) {
        expressions = plan.expressions
        evaluators = plan.expressions.map { ExpressionEvaluator($0.compiled) }
        inputs = EventBatch(types: ColumnTypes(plan.expressionInputs.map(\.type)), capacity: 1024)
    }

    /// Fills a column of `batch`, whose rows are those of `inputs`.
    ///
    /// - Parameter overflowed: called with each row whose value does not fit its type.
    func fill(_ column: Int, of batch: EventBatch, with number: Int, overflowed: (_ row: Int) -> Void) {
        let count = inputs.count
        guard count > 0 else { return }
        if slots.count < count {
            slots = Array(repeating: 0, count: count)
            outcomes = Array(repeating: .null, count: count)
        }
        inputs.strings.withUnsafeBytes { strings in
            slots.withUnsafeMutableBufferPointer { slots in
                outcomes.withUnsafeMutableBufferPointer { outcomes in
                    guard let slots = slots.baseAddress, let outcomes = outcomes.baseAddress else { return }
                    let columns = ExpressionColumns(
                        columns: inputs.types.indices.map { UnsafePointer(inputs.column($0)) },
                        nulls: inputs.nulls,
                        strings: strings
                    )
                    evaluators[number].evaluate(
                        columns,
                        rows: 0..<count,
                        slots: slots,
                        outcomes: outcomes,
                        strings: &batch.strings
                    )
                }
            }
        }
        let isMark = expressions[number].isMark
        let bit: UInt64 = 1 << UInt64(column)
        for row in 0..<count {
            batch.column(column)[row] = slots[row]
            let isThere = outcomes[row] == .value && (!isMark || slots[row] != 0)
            batch.nulls[row] = isThere ? batch.nulls[row] & ~bit : batch.nulls[row] | bit
            if outcomes[row] == .overflow { overflowed(row) }
        }
    }

    /// What tombstones have instead of an expression's value: no value, and of a filter its mark.
    func fillTombstones(_ rows: [Int], _ column: Int, of batch: EventBatch, with number: Int) {
        let bit: UInt64 = 1 << UInt64(column)
        for row in rows {
            batch.column(column)[row] = 0
            batch.nulls[row] = expressions[number].isMark ? batch.nulls[row] & ~bit : batch.nulls[row] | bit
        }
    }
}
