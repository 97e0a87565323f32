// Finalizing: from the states of a window to a function's value. One file a function; this one calls them.

import FeatureModel

/// What a function's value is made of.
struct FunctionInput {
    /// The everyday state of the function's column; its count is not 0 unless `countsEmptyAsZero`.
    let column: UnsafePointer<ColumnAccumulator>
    /// The state that the function asked for.
    let state: UnsafePointer<FunctionState>?
    let parameters: FunctionParameters
    /// The type of the column; nil where there is none.
    let columnType: ValueType?
    /// The type of the categories; nil where there are none.
    let categoryType: ValueType?
    /// T.
    let asOf: Instant
    /// Where the window ends by the strict rule: T less the offset.
    let end: Instant
    let events: EntityEvents
    /// Unowned, as they outlive the call: counting references would cost more than most results.
    unowned(unsafe) let cells: FeatureCells
}

/// A function's value.
enum FunctionResult {
    case value(UInt64)
    /// SQL has no value here, such as a sample variance of one event.
    case null
    /// The exact result does not fit its type or its bound.
    case overflow

    init(_ value: Int64) { self = .value(UInt64(bitPattern: value)) }

    /// nil is an overflow.
    init(_ value: Double?) { self = value.map { .value($0.bitPattern) } ?? .overflow }
}

extension FunctionInput {
    /// - Parameter count: how many events counted.
    func result(of function: AggregateFunction, count: Int64) -> FunctionResult {
        if let categoryType { return count == 0 ? .null : groups(of: function, by: categoryType) }
        if count == 0 { return function.countsEmptyAsZero ? .value(0) : .null }
        return switch function {
        case .count: FunctionResult(column.pointee.count)
        case .sum: sum()
        case .mean: mean()
        case .min: .value(column.pointee.minimum)
        case .max: .value(column.pointee.maximum)
        case .first: end(column.pointee.first)
        case .last: end(column.pointee.last)
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN: endList()
        case .countDistinct: countDistinct()
        case .approxCountDistinct: approxCountDistinct()
        case .approxPercentile: approxPercentile()
        case .varPop: variance { $0.populationVariance }
        case .varSamp: variance(from: 2) { $0.sampleVariance }
        case .stddevPop: variance { $0.populationDeviation }
        case .stddevSamp: variance(from: 2) { $0.sampleDeviation }
        case .topK: topK()
        case .histogram: histogram()
        case .decayedSum, .decayedCount: decayed()
        case .timeSinceLast: timeSince(column.pointee.newestTime)
        case .timeSinceFirst: timeSince(column.pointee.oldestTime)
        }
    }

    /// A slot of the column as a value.
    func value(_ slot: UInt64) -> FeatureValue { value(slot, of: columnType) }

    /// A slot of a stored column as a value.
    func value(_ slot: UInt64, of type: ValueType?) -> FeatureValue {
        switch type {
        case .int64?: .int64(Int64(bitPattern: slot))
        case .float64?: .float64(Double(bitPattern: slot))
        case .bool?: .bool(slot != 0)
        case .timestamp?: .timestamp(Instant(microseconds: Int64(bitPattern: slot)))
        case .string?: .string(String(decoding: events.string(slot), as: UTF8.self))
        case nil: .null
        }
    }

    func list(_ values: [FeatureValue]) -> FunctionResult {
        .value(cells.store { FeaturePayload.append(list: values, to: &$0) })
    }
}
