public import FeatureModel
public import WireProtocol

/// The answer to a lookup.
public struct LookupResult: Hashable, Sendable {
    /// The T that was used.
    public var asOf: Instant
    /// The K that was used: asking again with both gives the same bits.
    public var knownAt: Instant
    public var features: [PreparedReply.Feature]
    /// One row an entity, in the order asked; one cell a feature, in the order of `features`.
    public var rows: [[FeatureCell]]

    /// The cell of a feature, by `view:feature`; nil when the lookup has no such feature. Traps outside the rows.
    public subscript(row: Int, reference: String) -> FeatureCell? {
        guard let column = features.firstIndex(where: { $0.reference == reference }) else { return nil }
        return rows[row][column]
    }
}

extension LookupResult {
    /// The value of a feature as a Swift type; nil where there is none. Traps outside the rows.
    ///
    ///     let spent = try result.value("purchases:amount_sum_30d", as: Double.self)
    ///
    /// - Throws: `badArgument` for a feature that the lookup has not, and for a type that is not the feature's.
    public func value<Value: FeatureValueConvertible>(
        _ reference: String,
        row: Int = 0,
        as type: Value.Type = Value.self
    ) throws(ClientError) -> Value? {
        guard let column = features.firstIndex(where: { $0.reference == reference }) else {
            let others = hint(for: reference, among: features.map(\.reference), title: "features of this lookup")
            throw ClientError(.badArgument, "the lookup has no feature '\(reference)'\(others)")
        }
        let value = rows[row][column].value
        guard value != .null else { return nil }
        guard let converted = Value(value) else {
            throw ClientError(.badArgument, "'\(reference)' is \(features[column].type.name), not \(Value.self)")
        }
        return converted
    }
}

/// A Swift type that a feature's value may have.
public protocol FeatureValueConvertible {
    /// nil for a value of another type.
    init?(_ value: FeatureValue)
}

extension Int64: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .int64(let number) = value else { return nil }
        self = number
    }
}

extension Double: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .float64(let number) = value else { return nil }
        self = number
    }
}

extension Bool: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .bool(let flag) = value else { return nil }
        self = flag
    }
}

extension String: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .string(let text) = value else { return nil }
        self = text
    }
}

extension Instant: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .timestamp(let instant) = value else { return nil }
        self = instant
    }
}

/// A list without nulls.
extension Array: FeatureValueConvertible where Element: FeatureValueConvertible {
    public init?(_ value: FeatureValue) {
        guard case .list(let elements) = value else { return nil }
        self = []
        for element in elements {
            guard let converted = Element(element) else { return nil }
            append(converted)
        }
    }
}

/// The answer to `rows`: columns, since training sets are read by column.
public struct ColumnsResult: Hashable, Sendable {
    /// The K that was used for every row.
    public var knownAt: Instant
    public var features: [PreparedReply.Feature]
    /// How many rows every column has.
    public var count: Int
    /// In the order of `features`; rows in the order asked.
    public var columns: [FeatureColumn]
}
