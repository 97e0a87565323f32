import FeatureModel

extension FunctionInput {
    /// DDSketch's quantile: the value at rank floor(percentile * (n - 1)), off by the factor `accuracy` at most.
    func approxPercentile() -> FunctionResult {
        let percentile = parameters.percentile ?? 0.5
        let value: Double? =
            switch state?.pointee {
            case .integerQuantiles(let quantiles)?: quantiles.sketch.quantile(percentile)
            case .doubleQuantiles(let quantiles)?: quantiles.sketch.quantile(percentile)
            default: nil
            }
        return value.map { FunctionResult($0) } ?? .null
    }
}
