public import FeatureModel

/// A column copied out of a table: one value and one validity flag per row.
public struct NullableColumn<Value: Sendable>: Sendable {
    /// A null row's value is 0 or empty.
    public var values: [Value]
    /// Whether the row has a value.
    public var isValid: [Bool]

    public var count: Int { values.count }

    /// The row's value, or nil when it is null.
    public subscript(row: Int) -> Value? { isValid[row] ? values[row] : nil }
}

extension NullableColumn: Equatable where Value: Equatable {}

/// A column to append to a table: a name, and one value and one validity flag per row.
public struct FeatureColumn: Sendable {
    /// A null row's value is not looked at.
    public enum Values: Sendable {
        case int64([Int64])
        case float64([Double])
        case string([String])
        /// UTF-8 bytes, cut by offsets, of which there is one more than rows: row `r` is `bytes[offsets[r]..<offsets[r + 1]]`.
        case text(bytes: [UInt8], offsets: [Int64])
        case bool([Bool])
        case timestamp([Instant])
        /// Row `r` is `elements[starts[r]..<starts[r + 1]]`; there is one more start than rows. Elements are single values.
        indirect case list(starts: [Int64], Items)
        /// The same; the entry at a place has the key and the value there. Keys and values are single values.
        indirect case map(starts: [Int64], keys: Values, Items)
    }

    /// What is in lists, or the values of maps: one value and one validity flag each.
    public struct Items: Sendable {
        public var values: Values
        public var isValid: [Bool]

        public init(values: Values, isValid: [Bool]) {
            self.values = values
            self.isValid = isValid
        }
    }

    public var name: String
    public let values: Values
    /// Whether the row has a value.
    public let isValid: [Bool]

    /// - Precondition: `values` and `isValid` are of one length; starts begin with 0, never fall and end with the number of
    ///   elements; elements, keys and the values of maps are single values.
    public init(name: String, values: Values, isValid: [Bool]) {
        precondition(values.count == isValid.count, "column '\(name)': as many validity flags as values")
        precondition(values.isWellFormed, "column '\(name)': starts or elements that do not fit each other")
        self.name = name
        self.values = values
        self.isValid = isValid
    }

    public var count: Int { isValid.count }

}

extension FeatureColumn.Values {
    public var count: Int {
        switch self {
        case .int64(let values): values.count
        case .float64(let values): values.count
        case .string(let values): values.count
        case .text(_, let offsets): offsets.count - 1
        case .bool(let values): values.count
        case .timestamp(let values): values.count
        case .list(let starts, _), .map(let starts, _, _): starts.count - 1
        }
    }

    private var isSingle: Bool {
        switch self {
        case .int64, .float64, .string, .text, .bool, .timestamp: true
        case .list, .map: false
        }
    }

    /// C reads through the starts, so they must be right.
    fileprivate var isWellFormed: Bool {
        func fit(_ starts: [Int64], _ items: FeatureColumn.Items) -> Bool {
            items.values.isSingle && items.values.count == items.isValid.count
                && starts.first == 0 && starts.last == Int64(items.isValid.count)
                && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
        }
        switch self {
        case .int64, .float64, .string, .bool, .timestamp: return true
        case .text(let bytes, let offsets):
            return offsets.first == 0 && offsets.last == Int64(bytes.count)
                && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 }
        case .list(let starts, let elements): return fit(starts, elements)
        case .map(let starts, let keys, let values):
            return fit(starts, values) && keys.isSingle && keys.count == values.isValid.count
        }
    }
}
