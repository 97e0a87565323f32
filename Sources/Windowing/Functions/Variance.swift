extension FunctionInput {
    /// `var_pop`, `var_samp`, `stddev_pop`, `stddev_samp`: n Σx² - (Σx)² exactly, rounded once, then divided.
    ///
    /// - Parameter least: with fewer values there is no result, as in SQL.
    func variance(from least: Int64 = 1, _ body: (ExactMoments) -> Double?) -> FunctionResult {
        let moments: ExactMoments
        switch state?.pointee {
        case .integerMoments(let state)?: moments = state.moments
        case .doubleMoments(let state)?: moments = state.moments
        default: return .null
        }
        return moments.count < least ? .null : FunctionResult(body(moments))
    }
}
