import FeatureModel

extension FunctionInput {
    /// `time_since_last`, `time_since_first`: from an event's time to T, in seconds. The microseconds between are exact, and
    /// divided once.
    func timeSince(_ eventTime: Int64) -> FunctionResult {
        let microseconds = Int128(asOf.microseconds) - Int128(eventTime)
        return FunctionResult(Double(microseconds) / 1_000_000)
    }
}
