public import FeatureModel

extension FeatureColumn {
    /// A column of a feature's values, as a client gives them.
    ///
    /// - Parameter cells: one a row; `.null`, and what is not of the type, becomes null.
    public init(name: String, type: FeatureType, cells: [FeatureValue]) {
        switch type.shape {
        case .single:
            let items = Items(type: type.element, cells)
            self.init(name: name, values: items.values, isValid: items.isValid)
        case .list:
            let rows = cells.map { cell -> [FeatureValue]? in
                if case .list(let elements) = cell { elements } else { nil }
            }
            let elements = Items(type: type.element, rows.flatMap { $0 ?? [] })
            self.init(
                name: name,
                values: .list(starts: Self.starts(rows.map { $0?.count ?? 0 }), elements),
                isValid: rows.map { $0 != nil }
            )
        case .map(let key):
            let rows = cells.map { cell -> [FeatureValue.Entry]? in
                if case .map(let entries) = cell { entries } else { nil }
            }
            let entries = rows.flatMap { $0 ?? [] }
            self.init(
                name: name,
                values: .map(
                    starts: Self.starts(rows.map { $0?.count ?? 0 }),
                    keys: Items(type: key, entries.map(\.key)).values,
                    Items(type: type.element, entries.map(\.value))
                ),
                isValid: rows.map { $0 != nil }
            )
        }
    }

    private static func starts(_ counts: [Int]) -> [Int64] {
        var starts: [Int64] = [0]
        starts.reserveCapacity(counts.count + 1)
        var end: Int64 = 0
        for count in counts {
            end += Int64(count)
            starts.append(end)
        }
        return starts
    }
}

extension FeatureColumn.Items {
    fileprivate init(type: ValueType, _ cells: [FeatureValue]) {
        var isValid = cells.map { _ in true }
        func each<Value>(_ null: Value, _ read: (FeatureValue) -> Value?) -> [Value] {
            cells.indices.map { row in
                guard let value = read(cells[row]) else {
                    isValid[row] = false
                    return null
                }
                return value
            }
        }
        switch type {
        case .int64: values = .int64(each(0) { if case .int64(let value) = $0 { value } else { nil } })
        case .float64: values = .float64(each(0) { if case .float64(let value) = $0 { value } else { nil } })
        case .string: values = .string(each("") { if case .string(let value) = $0 { value } else { nil } })
        case .bool: values = .bool(each(false) { if case .bool(let value) = $0 { value } else { nil } })
        case .timestamp:
            values = .timestamp(
                each(Instant(microseconds: 0)) { if case .timestamp(let value) = $0 { value } else { nil } }
            )
        }
        self.isValid = isValid
    }
}
