// The oracle: what a feature's value must be, by loops that anyone can check by reading. It shares no code with what it
// judges; only plain values (`FeatureValue`, `FeatureStatus`, `AggregateFunction`) are common.

public import FeatureModel

/// An event as the oracle sees it.
public struct OracleEvent: Hashable, Sendable {
    /// A record's place in its log.
    public struct Place: Hashable, Sendable {
        public var source: Int
        public var incarnation: Int
        public var partition: Int
        public var offset: Int64
        public init(source: Int = 1, incarnation: Int = 1, partition: Int = 0, offset: Int64) {
            self.source = source
            self.incarnation = incarnation
            self.partition = partition
            self.offset = offset
        }
    }

    /// Microseconds.
    public var time: Int64
    public var arrival: Int64
    public var position: Place
    /// One a column.
    public var values: [FeatureValue]

    public init(time: Int64, arrival: Int64, position: Place, values: [FeatureValue]) {
        self.time = time
        self.arrival = arrival
        self.position = position
        self.values = values
    }

    /// Whether this event stands before another in the total order (event time, position).
    func isBefore(_ other: OracleEvent) -> Bool {
        if time != other.time { return time < other.time }
        if position.source != other.position.source { return position.source < other.position.source }
        if position.incarnation != other.position.incarnation {
            return position.incarnation < other.position.incarnation
        }
        if position.partition != other.position.partition { return position.partition < other.position.partition }
        return position.offset < other.position.offset
    }
}

/// What to compute over an entity's events.
public struct OracleQuery: Hashable, Sendable {
    public enum Edge: Hashable, Sendable, CaseIterable {
        /// `[T - offset - length, T - offset)`
        case strict
        /// `(T - offset - length, T - offset]`
        case inclusive
    }

    public var function: AggregateFunction
    /// nil counts events.
    public var column: Int?
    /// Microseconds; nil is `lifetime`.
    public var length: Int64?
    public var offset: Int64
    public var defaultValue: FeatureValue
    /// nil: from the beginning.
    public var availableFrom: Int64?

    public init(
        function: AggregateFunction,
        column: Int?,
        length: Int64?,
        offset: Int64 = 0,
        defaultValue: FeatureValue = .null,
        availableFrom: Int64? = nil
    ) {
        self.function = function
        self.column = column
        self.length = length
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

    /// To the last bit: `==` of doubles would let -0.0 pass for +0.0.
    public static func == (a: OracleAnswer, b: OracleAnswer) -> Bool {
        guard a.status == b.status, a.newest == b.newest else { return false }
        if case .float64(let x) = a.value, case .float64(let y) = b.value { return x.bitPattern == y.bitPattern }
        return a.value == b.value
    }

    public var description: String { "\(status.name) \(value) newest \(newest.map(String.init) ?? "none")" }
}

public enum NaiveOracle {
    public static func value(
        _ events: [OracleEvent],
        _ query: OracleQuery,
        asOf: Int64,
        knownAt: Int64,
        edge: OracleQuery.Edge = .strict
    ) -> OracleAnswer {
        var isFound = false
        var inside: [OracleEvent] = []
        for event in events where event.arrival <= knownAt {
            if isBefore(event.time, asOf, edge) { isFound = true }
            if covers(event.time, query, asOf, edge) { inside.append(event) }
        }
        if let column = query.column { inside = inside.filter { $0.values[column] != .null } }

        var newest: OracleEvent?
        var oldest: OracleEvent?
        for event in inside {
            if newest.map({ $0.isBefore(event) }) ?? true { newest = event }
            if oldest.map({ event.isBefore($0) }) ?? true { oldest = event }
        }

        var result: FeatureValue? = query.defaultValue
        if query.function == .count {
            result = .int64(Int64(inside.count))
        } else if let column = query.column, let newest, let oldest {
            let values = inside.map { $0.values[column] }
            switch query.function {
            case .first: result = oldest.values[column]
            case .last: result = newest.values[column]
            case .min: result = extreme(values, isMinimum: true)
            case .max: result = extreme(values, isMinimum: false)
            case .sum: result = sum(values)
            case .mean: result = mean(values)
            case .count: break
            }
        }

        let status: FeatureStatus
        if !isFound {
            status = .notFound
        } else if result == nil {
            status = .overflow
        } else if let from = query.availableFrom, startsBefore(from, query, asOf, edge) {
            status = .partial
        } else if result == .null {
            status = .nullValue
        } else {
            status = .present
        }
        return OracleAnswer(value: result ?? .null, status: status, newest: newest?.time)
    }

    // MARK: Windows (128 bits: nothing here can run over)

    private static func isBefore(_ time: Int64, _ asOf: Int64, _ edge: OracleQuery.Edge) -> Bool {
        edge == .strict ? time < asOf : time <= asOf
    }

    private static func covers(_ time: Int64, _ query: OracleQuery, _ asOf: Int64, _ edge: OracleQuery.Edge) -> Bool {
        let time = Int128(time)
        let end = Int128(asOf) - Int128(query.offset)
        switch edge {
        case .strict:
            guard time < end else { return false }
            guard let length = query.length else { return true }
            return time >= end - Int128(length)
        case .inclusive:
            guard time <= end else { return false }
            guard let length = query.length else { return true }
            return time > end - Int128(length)
        }
    }

    /// Whether the window covers an instant before `from`.
    private static func startsBefore(_ from: Int64, _ query: OracleQuery, _ asOf: Int64, _ edge: OracleQuery.Edge)
        -> Bool
    {
        guard let length = query.length else { return true }
        let start = Int128(asOf) - Int128(query.offset) - Int128(length)
        return edge == .strict ? start < Int128(from) : start + 1 < Int128(from)
    }

    // MARK: Functions; nil is OVERFLOW

    private static func sum(_ values: [FeatureValue]) -> FeatureValue? {
        if case .float64? = values.first { return exact(values).doubleOfUnits.map { .float64($0) } }
        return exact(values).int64.map { .int64($0) }
    }

    private static func mean(_ values: [FeatureValue]) -> FeatureValue? {
        let total: Double?
        if case .float64? = values.first { total = exact(values).doubleOfUnits } else { total = exact(values).double }
        return total.map { .float64($0 / Double(values.count)) }
    }

    /// The exact sum; of doubles in units of 2^-1074.
    private static func exact(_ values: [FeatureValue]) -> NaiveInteger {
        var total = NaiveInteger()
        for value in values {
            switch value {
            case .int64(let number): total = total + NaiveInteger(number)
            case .float64(let number): total = total + NaiveInteger(unitsOf: number)
            default: break
            }
        }
        return total
    }

    private static func extreme(_ values: [FeatureValue], isMinimum: Bool) -> FeatureValue? {
        var best: FeatureValue?
        for value in values {
            if let current = best {
                if isMinimum ? isLess(value, current) : isLess(current, value) { best = value }
            } else {
                best = value
            }
        }
        return best
    }

    private static func isLess(_ a: FeatureValue, _ b: FeatureValue) -> Bool {
        switch (a, b) {
        case (.int64(let x), .int64(let y)): x < y
        case (.float64(let x), .float64(let y)): x < y
        case (.timestamp(let x), .timestamp(let y)): x.microseconds < y.microseconds
        default: false
        }
    }
}
