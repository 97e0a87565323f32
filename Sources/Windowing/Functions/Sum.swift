import FeatureModel

extension FunctionInput {
    /// The exact sum; of doubles rounded once, of integers OVERFLOW beyond Int64.
    func sum() -> FunctionResult {
        if columnType == .float64 { return FunctionResult(column.pointee.doubleSum.rounded) }
        return Int64(exactly: column.pointee.integerSum).map { FunctionResult($0) } ?? .overflow
    }
}
