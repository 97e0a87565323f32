// The aggregate functions: names, parameters, types. What they compute stands in `Windowing/Functions`, one file each.

/// An aggregate function. The raw value is its canonical name; it is part of hashes: never rename one.
public enum AggregateFunction: String, Hashable, Sendable, CaseIterable {
    case count, sum, mean, min, max, first, last
    case firstN = "first_n"
    case lastN = "last_n"
    case firstDistinctN = "first_distinct_n"
    case lastDistinctN = "last_distinct_n"
    case countDistinct = "count_distinct"
    case approxCountDistinct = "approx_count_distinct"
    case approxPercentile = "approx_percentile"
    case varPop = "var_pop"
    case varSamp = "var_samp"
    case stddevPop = "stddev_pop"
    case stddevSamp = "stddev_samp"
    case topK = "top_k"
    case histogram
    case decayedSum = "decayed_sum"
    case decayedCount = "decayed_count"
    case timeSinceLast = "time_since_last"
    case timeSinceFirst = "time_since_first"

    /// Other systems' names for the same function; accepted and printed canonically.
    public static let aliases: [String: AggregateFunction] = [
        "avg": .mean, "average": .mean, "minimum": .min, "maximum": .max, "latest": .last, "earliest": .first,
        "count_unique": .countDistinct, "unique_count": .countDistinct, "distinct_count": .countDistinct,
        "approx_unique_count": .approxCountDistinct, "approx_quantile": .approxPercentile,
        "percentile_approx": .approxPercentile, "variance": .varSamp, "var": .varSamp, "stddev": .stddevSamp,
        "std": .stddevSamp, "first_k": .firstN, "last_k": .lastN, "first_distinct_k": .firstDistinctN,
        "last_distinct_k": .lastDistinctN, "most_frequent": .topK,
    ]

    /// The type of the result over a column of `type` (nil: no column); nil when the function does not apply to that.
    public func resultType(of type: ValueType?) -> FeatureType? {
        switch self {
        case .count: return .int64
        case .decayedCount, .timeSinceLast, .timeSinceFirst: return .float64
        default: break
        }
        guard let type else { return nil }
        let isNumber = type == .int64 || type == .float64
        switch self {
        case .sum: return isNumber ? .single(type) : nil
        case .mean, .approxPercentile, .varPop, .varSamp, .stddevPop, .stddevSamp, .decayedSum:
            return isNumber ? .float64 : nil
        case .min, .max: return isNumber || type == .timestamp ? .single(type) : nil
        case .first, .last: return .single(type)
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN, .topK: return .list(of: type)
        case .countDistinct, .approxCountDistinct: return .int64
        case .histogram: return .map(type, to: .int64)
        case .count, .decayedCount, .timeSinceLast, .timeSinceFirst: return nil
        }
    }

    /// The same with `group_by` a column of `category` (nil: none): a map from categories to single values.
    public func resultType(of type: ValueType?, groupBy category: ValueType?) -> FeatureType? {
        guard let category else { return resultType(of: type) }
        return resultType(of: type)?.single.map { .map(category, to: $0) }
    }

    /// Whether an empty window gives a number and not null.
    public var countsEmptyAsZero: Bool {
        switch self {
        case .count, .countDistinct, .approxCountDistinct, .decayedCount: true
        default: false
        }
    }
}

/// What a function takes beside its column. A parameter is nil where the function has no such one.
public struct FunctionParameters: Hashable, Sendable {
    /// How many values: `first_n` and its kin, `top_k`.
    public var n: Int?
    /// 0 ... 1: `approx_percentile`.
    public var percentile: Double?
    /// The bound on the relative error: `approx_percentile`.
    public var accuracy: Double?
    /// Registers are 2^precision: `approx_count_distinct`.
    public var precision: Int?
    /// Microseconds: the decayed functions.
    public var halfLife: Int64?
    /// More distinct values than this in a window are OVERFLOW: `count_distinct`, `top_k`, `histogram`; with `group_by`,
    /// more categories (of `count_distinct`, more pairs of a category and a value).
    public var maxDistinct: Int?
    /// How many categories `group_by` answers with: those with the most events.
    public var maxGroups: Int?

    public init(
        n: Int? = nil,
        percentile: Double? = nil,
        accuracy: Double? = nil,
        precision: Int? = nil,
        halfLife: Int64? = nil,
        maxDistinct: Int? = nil,
        maxGroups: Int? = nil
    ) {
        self.n = n
        self.percentile = percentile
        self.accuracy = accuracy
        self.precision = precision
        self.halfLife = halfLife
        self.maxDistinct = maxDistinct
        self.maxGroups = maxGroups
    }

    public static let nRange = 1...1000
    public static let accuracyRange = 0.001...0.1
    public static let accuracyDefault = 0.01
    public static let precisionRange = 10...16
    public static let precisionDefault = 12
    public static let maxDistinctRange = 1...1_000_000
    public static let maxDistinctDefault = 10_000
    public static let maxGroupsRange = 1...1000
    public static let maxGroupsDefault = 10
    /// Shorter half-lives would spread a long window's weights over more powers of two than a sum can afford.
    public static let halfLifeRange: ClosedRange<Int64> = 60_000_000...TimeWindow.longest
}

extension FunctionParameters {
    /// `n 5`, `percentile 0.95, accuracy 0.01`, under the names of the YAML keys; nil where there are none.
    public var text: String? {
        let given: [(String, String?)] = [
            ("n", n.map(String.init)), ("percentile", percentile.map { "\($0)" }),
            ("accuracy", accuracy.map { "\($0)" }),
            ("precision", precision.map(String.init)), ("half_life", halfLife.map(TimeWindow.text(microseconds:))),
            ("max_distinct", maxDistinct.map(String.init)), ("max_groups", maxGroups.map(String.init)),
        ]
        let texts = given.compactMap { name, value in value.map { "\(name) \($0)" } }
        return texts.isEmpty ? nil : texts.joined(separator: ", ")
    }
}

extension AggregateFunction {
    /// How far an approximate function's value may lie off, in words; nil for exact functions.
    public func errorBound(_ parameters: FunctionParameters) -> String? {
        switch self {
        case .approxCountDistinct:
            let registers = 1 << (parameters.precision ?? FunctionParameters.precisionDefault)
            let error = 1.04 / Double(registers).squareRoot()
            return "relative standard error \((error * 100_000).rounded() / 100_000)"
        case .approxPercentile:
            return "relative error at most \(parameters.accuracy ?? FunctionParameters.accuracyDefault)"
        default: return nil
        }
    }

    /// The function's name within a feature's name, with the parameters that change what it means: `last_5`, `top_3`,
    /// `approx_p99_9`, `decayed_sum_7d`.
    func label(_ parameters: FunctionParameters) -> String {
        switch self {
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN, .topK:
            return rawValue.dropLast() + (parameters.n.map(String.init) ?? "n")
        case .approxPercentile:
            let percent = (parameters.percentile ?? 0) * 100
            // Two places are enough for names; finer ones want a name of their own.
            let hundredths = Int((percent * 100).rounded())
            let fraction = hundredths % 100
            let text =
                fraction == 0 ? "" : fraction % 10 == 0 ? "_\(fraction / 10)" : "_\(fraction / 10)\(fraction % 10)"
            return "approx_p\(hundredths / 100)\(text)"
        case .decayedSum, .decayedCount:
            return "\(rawValue)_\(parameters.halfLife.map(TimeWindow.text(microseconds:)) ?? "")"
        default: return rawValue
        }
    }
}
