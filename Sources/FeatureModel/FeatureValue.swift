/// The type of a column, a join key or a feature. Raw values are part of the disk and wire formats: never renumber.
@frozen
public enum ValueType: UInt8, Hashable, Sendable, CaseIterable {
    case int64 = 1
    case float64 = 2
    case string = 3
    case bool = 4
    /// Microseconds since the Unix epoch, UTC.
    case timestamp = 5

    /// The word for this type in YAML and in messages.
    public var name: String {
        switch self {
        case .int64: "int64"
        case .float64: "float64"
        case .string: "string"
        case .bool: "bool"
        case .timestamp: "timestamp"
        }
    }

    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// One value, for the cold paths: definitions, the CLI, tests. Hot paths work on columns of 8-byte slots instead.
public enum FeatureValue: Hashable, Sendable {
    case null
    case int64(Int64)
    case float64(Double)
    case string(String)
    case bool(Bool)
    case timestamp(Instant)
    /// Elements of one type; null where one has no value.
    case list([FeatureValue])
    /// Keys of one type, ascending, and values of one type.
    case map([Entry])

    public struct Entry: Hashable, Sendable {
        public var key: FeatureValue
        public var value: FeatureValue
        public init(key: FeatureValue, value: FeatureValue) {
            self.key = key
            self.value = value
        }
    }
}

/// How a feature value came about. Raw values are on the wire: never renumber. In order of precedence, strongest first,
/// the order is `outsideRetention, notFound, overflow, outsideMaxAge, partial, nullValue, present`.
@frozen
public enum FeatureStatus: UInt8, Hashable, Sendable, CaseIterable {
    /// A value over the whole window.
    case present = 1
    /// No value in the window; null.
    case nullValue = 2
    /// No event of the entity before T known at K; the value is that of an empty window.
    case notFound = 3
    /// The latest value is older than the view's `max_age`.
    case outsideMaxAge = 4
    /// The window starts before the view's `available_from`; the value over what exists.
    case partial = 5
    /// The exact result does not fit its type; null.
    case overflow = 6
    /// The window touches dropped history; null.
    case outsideRetention = 7

    public var name: String {
        switch self {
        case .present: "PRESENT"
        case .nullValue: "NULL_VALUE"
        case .notFound: "NOT_FOUND"
        case .outsideMaxAge: "OUTSIDE_MAX_AGE"
        case .partial: "PARTIAL"
        case .overflow: "OVERFLOW"
        case .outsideRetention: "OUTSIDE_RETENTION"
        }
    }
}
