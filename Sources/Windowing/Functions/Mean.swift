import FeatureModel

extension FunctionInput {
    /// The exact sum rounded once to a double, divided by the count; for integers too, so a mean fits where its sum does not.
    func mean() -> FunctionResult {
        let count = Double(column.pointee.count)
        if columnType == .float64 { return FunctionResult(column.pointee.doubleSum.rounded.map { $0 / count }) }
        let sum = column.pointee.integerSum
        return FunctionResult(
            ExactSum.round(magnitude: sum.magnitude, isNegative: sum < 0, scale: 0).map { $0 / count }
        )
    }
}
