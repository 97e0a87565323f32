import FeatureModel

extension FunctionInput {
    /// `first`, `last`: a stored value, bit for bit.
    func end(_ slot: UInt64) -> FunctionResult {
        .value(columnType == .string ? cells.store(events.string(slot)) : slot)
    }

    /// `first_n`, `last_n`, `first_distinct_n`, `last_distinct_n`: oldest first.
    func endList() -> FunctionResult {
        switch state?.pointee {
        case .endValues(let ends)?: return list(ends.values.map(value))
        case .endStrings(let ends)?:
            var texts: [FeatureValue] = []
            ends.forEach { texts.append(.string(String(decoding: $0, as: UTF8.self))) }
            return list(texts)
        default: return .null
        }
    }
}
