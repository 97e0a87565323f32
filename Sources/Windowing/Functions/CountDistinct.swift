extension FunctionInput {
    /// The exact number of distinct values; OVERFLOW beyond `max_distinct`.
    func countDistinct() -> FunctionResult {
        (state?.pointee.distinctCount).map { FunctionResult(Int64($0)) } ?? .overflow
    }
}
