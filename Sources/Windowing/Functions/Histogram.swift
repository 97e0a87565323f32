import FeatureModel

extension FunctionInput {
    /// How often each value occurs, values ascending; OVERFLOW beyond `max_distinct`.
    func histogram() -> FunctionResult {
        var entries: [FeatureValue.Entry] = []
        switch state?.pointee {
        case .distinctValues(let values)?:
            guard let counts = values.ascending else { return .overflow }
            entries = counts.map { FeatureValue.Entry(key: value($0.slot), value: .int64($0.count)) }
        case .distinctStrings(let values)?:
            if values.isOverflowed { return .overflow }
            values.forEach { bytes, count in
                let key = FeatureValue.string(String(decoding: bytes, as: UTF8.self))
                entries.append(FeatureValue.Entry(key: key, value: .int64(count)))
            }
        default: return .null
        }
        return .value(cells.store { FeaturePayload.append(map: entries, to: &$0) })
    }
}
