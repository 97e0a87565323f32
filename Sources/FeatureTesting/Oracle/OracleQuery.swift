public import FeatureModel

/// What to compute over an entity's events.
public struct OracleQuery: Hashable, Sendable {
    public enum Edge: Hashable, Sendable, CaseIterable {
        /// `[T - offset - length, T - offset)`
        case strict
        /// `(T - offset - length, T - offset]`
        case inclusive
    }

    public var function: AggregateFunction
    public var parameters: FunctionParameters
    /// nil counts events.
    public var column: Int?
    /// The column of categories: a map from each to the function's result over its events.
    public var groupBy: Int?
    /// Microseconds; nil is `lifetime`.
    public var length: Int64?
    /// The newest so many events instead of a length.
    public var newest: Int?
    /// So many windows of `length`, one after the other: a list.
    public var series: Int?
    /// A column that must not be null for an event to count at all.
    public var filter: Int?
    public var offset: Int64
    public var defaultValue: FeatureValue
    /// nil: from the beginning.
    public var availableFrom: Int64?

    public init(
        function: AggregateFunction,
        parameters: FunctionParameters = FunctionParameters(),
        column: Int?,
        groupBy: Int? = nil,
        length: Int64?,
        newest: Int? = nil,
        series: Int? = nil,
        filter: Int? = nil,
        offset: Int64 = 0,
        defaultValue: FeatureValue = .null,
        availableFrom: Int64? = nil
    ) {
        self.function = function
        self.parameters = parameters
        self.column = column
        self.groupBy = groupBy
        self.length = length
        self.newest = newest
        self.series = series
        self.filter = filter
        self.offset = offset
        self.defaultValue = defaultValue
        self.availableFrom = availableFrom
    }
}

/// A result as the oracle states it.
public struct OracleAnswer: Equatable, Sendable, CustomStringConvertible {
    public var value: FeatureValue
    public var status: FeatureStatus
    /// Event time of the newest event that counted; nil when none did.
    public var newest: Int64?

    public init(value: FeatureValue, status: FeatureStatus, newest: Int64?) {
        self.value = value
        self.status = status
        self.newest = newest
    }

    /// To the last bit: `==` of doubles would let -0.0 pass for +0.0, and `==` of strings two spellings of one letter.
    public static func == (a: OracleAnswer, b: OracleAnswer) -> Bool {
        a.status == b.status && a.newest == b.newest && isSame(a.value, b.value)
    }

    private static func isSame(_ a: FeatureValue, _ b: FeatureValue) -> Bool {
        switch (a, b) {
        case (.float64(let x), .float64(let y)): x.bitPattern == y.bitPattern
        case (.string(let x), .string(let y)): Array(x.utf8) == Array(y.utf8)
        case (.list(let x), .list(let y)): x.count == y.count && zip(x, y).allSatisfy { isSame($0, $1) }
        case (.map(let x), .map(let y)):
            x.count == y.count && zip(x, y).allSatisfy { isSame($0.key, $1.key) && isSame($0.value, $1.value) }
        default: a == b
        }
    }

    public var description: String { "\(status.name) \(value) newest \(newest.map(String.init) ?? "none")" }
}
