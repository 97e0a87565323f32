extension FunctionInput {
    /// The exact number of distinct values; OVERFLOW beyond `max_distinct`.
    func countDistinct() -> FunctionResult {
        let count: Int? =
            switch state?.pointee {
            case .distinctValues(let values)?: values.distinctCount
            case .distinctStrings(let values)?: values.distinctCount
            default: nil
            }
        return count.map { FunctionResult(Int64($0)) } ?? .overflow
    }
}
