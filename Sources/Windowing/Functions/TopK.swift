import FeatureModel

extension FunctionInput {
    /// The `n` most frequent values, the most frequent first, equally frequent ones ascending; OVERFLOW beyond
    /// `max_distinct`.
    func topK() -> FunctionResult {
        let most = parameters.n ?? 1
        switch state?.pointee {
        case .distinctValues(let values)?: return values.top(most).map { list($0.map { value($0.slot) }) } ?? .overflow
        case .distinctStrings(let values)?:
            return values.top(most).map { list($0.map { .string(String(decoding: $0.bytes, as: UTF8.self)) }) }
                ?? .overflow
        default: return .null
        }
    }
}
