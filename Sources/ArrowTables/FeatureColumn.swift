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
        case bool([Bool])
        case timestamp([Instant])
    }

    public var name: String
    public let values: Values
    /// Whether the row has a value.
    public let isValid: [Bool]

    /// - Precondition: `values` and `isValid` are of one length.
    public init(name: String, values: Values, isValid: [Bool]) {
        precondition(values.count == isValid.count, "column '\(name)': as many validity flags as values")
        self.name = name
        self.values = values
        self.isValid = isValid
    }

    public var count: Int { isValid.count }

    public var type: ValueType {
        switch values {
        case .int64: .int64
        case .float64: .float64
        case .string: .string
        case .bool: .bool
        case .timestamp: .timestamp
        }
    }
}

extension FeatureColumn.Values {
    public var count: Int {
        switch self {
        case .int64(let values): values.count
        case .float64(let values): values.count
        case .string(let values): values.count
        case .bool(let values): values.count
        case .timestamp(let values): values.count
        }
    }
}
