// The type of a feature's value: a single value, a list of them, or a map from one to another.
//
//   byte   1 ... 5             a single value: the `ValueType`
//          0x10 | element      a list
//          0x80 | key << 4 | value     a map
//
// Columns and join keys have a `ValueType`; only results can be lists and maps.

/// The type of a feature. Raw values are on the wire: never renumber.
@frozen
public struct FeatureType: Hashable, Sendable {
    @frozen
    public enum Shape: Hashable, Sendable {
        case single
        case list
        /// A map from keys of this type.
        case map(key: ValueType)
    }

    public let shape: Shape
    /// The value itself, an element of the list, or a value of the map.
    public let element: ValueType

    @inlinable
    public init(_ shape: Shape, of element: ValueType) {
        self.shape = shape
        self.element = element
    }

    @inlinable public static func single(_ type: ValueType) -> FeatureType { FeatureType(.single, of: type) }
    @inlinable public static func list(of type: ValueType) -> FeatureType { FeatureType(.list, of: type) }
    @inlinable public static func map(_ key: ValueType, to value: ValueType) -> FeatureType {
        FeatureType(.map(key: key), of: value)
    }

    public static let int64 = FeatureType.single(.int64)
    public static let float64 = FeatureType.single(.float64)
    public static let string = FeatureType.single(.string)
    public static let bool = FeatureType.single(.bool)
    public static let timestamp = FeatureType.single(.timestamp)

    public var rawValue: UInt8 {
        switch shape {
        case .single: element.rawValue
        case .list: 0x10 | element.rawValue
        case .map(let key): 0x80 | key.rawValue << 4 | element.rawValue
        }
    }

    public init?(rawValue: UInt8) {
        guard let element = ValueType(rawValue: rawValue & 0x0f) else { return nil }
        self.element = element
        switch rawValue >> 4 {
        case 0: shape = .single
        case 1: shape = .list
        case 8...15:
            guard let key = ValueType(rawValue: rawValue >> 4 & 0x07) else { return nil }
            shape = .map(key: key)
        default: return nil
        }
    }

    /// The single value's type; nil for lists and maps.
    @inlinable public var single: ValueType? { shape == .single ? element : nil }

    /// Whether a value is bytes of its own (a string, or the payload of a list or map) and not 8 bytes or fewer.
    @inlinable public var isVariableSize: Bool { shape != .single || element == .string }

    /// `int64`, `list<string>`, `map<string, int64>`.
    public var name: String {
        switch shape {
        case .single: element.name
        case .list: "list<\(element.name)>"
        case .map(let key): "map<\(key.name), \(element.name)>"
        }
    }
}
