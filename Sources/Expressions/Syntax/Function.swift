/// Every function. The raw value is the canonical name: it stands in canonical text and so in content hashes, never
/// rename it.
enum Function: String, Hashable, Sendable, CaseIterable {
    // Of any type.
    case coalesce, nullif, greatest, least
    // Of numbers.
    case abs, sign, floor, ceil, round, trunc, sqrt
    // Of strings.
    case length, lower, upper, startsWith = "starts_with", endsWith = "ends_with", contains, substr
    // Of timestamps.
    case year, quarter, month, dayOfMonth = "dayofmonth", dayOfYear = "dayofyear", dayOfWeek = "dayofweek"
    case isoDayOfWeek = "isodow", hour, minute, second, epochMicroseconds = "epoch_us", dateTrunc = "date_trunc"

    /// Other names for the same function, as in DuckDB; printed canonically.
    static let aliases: [String: Function] = [
        "ceiling": .ceil, "len": .length, "prefix": .startsWith, "suffix": .endsWith, "substring": .substr,
        "day": .dayOfMonth, "weekday": .dayOfWeek, "datetrunc": .dateTrunc,
    ]

    /// Names are not case-sensitive.
    init?(name: String) {
        let name = name.lowercased()
        guard let found = Function(rawValue: name) ?? Self.aliases[name] else { return nil }
        self = found
    }

    static var names: [String] { allCases.map(\.rawValue) + aliases.keys.sorted() }

    var argumentCounts: ClosedRange<Int> {
        switch self {
        case .coalesce, .greatest, .least: 1...Int.max
        case .nullif, .startsWith, .endsWith, .contains, .dateTrunc: 2...2
        case .round: 1...2
        case .substr: 2...3
        default: 1...1
        }
    }
}

/// What `date_trunc` cuts to. The raw value is the word in an expression.
enum TimeUnit: String, Hashable, Sendable, CaseIterable {
    case second, minute, hour, day, week, month, quarter, year
}
