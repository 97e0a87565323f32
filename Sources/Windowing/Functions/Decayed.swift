import FeatureModel

extension FunctionInput {
    /// `decayed_sum`, `decayed_count`: each event weighs 2^(-age / half_life), its age counted from the window's end.
    func decayed() -> FunctionResult {
        switch state?.pointee {
        case .decayedIntegers(let decayed)?:
            FunctionResult(decayed.sum.value(at: decayed.halfLife.weight(at: end.microseconds)))
        case .decayedDoubles(let decayed)?:
            FunctionResult(decayed.sum.value(at: decayed.halfLife.weight(at: end.microseconds)))
        case .decayedCount(let decayed)?:
            FunctionResult(decayed.sum.value(at: decayed.halfLife.weight(at: end.microseconds)))
        default: .null
        }
    }
}
