import FeatureModel
import FeatureTesting

/// Random typed expressions and rows.
struct NaiveGenerator {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private static let words = [
        "", "a", "A", "ab", "aB%", "_", "it's", "ÄÖ", "é", "e\u{301}", "日本", "🏖 x", "abcabcabd",
    ]
    private static let patterns = [
        "", "%", "_", "a%", "%b", "%a%", "_b%", "%__", "é", "%本", "a%b%", "%%", "%ab_", "\\%",
    ]

    mutating func row() -> [String: FeatureValue] {
        Dictionary(uniqueKeysWithValues: [
            ("i", value(.int64)), ("j", value(.int64)), ("x", value(.float64)), ("y", value(.float64)),
            ("s", value(.string)), ("t", value(.string)), ("p", value(.bool)), ("q", value(.bool)),
            ("u", value(.timestamp)), ("v", value(.timestamp)),
        ])
    }

    mutating func value(_ type: ValueType) -> FeatureValue {
        if random.oneIn(7) { return .null }
        switch type {
        case .bool: return .bool(Bool.random(using: &random))
        case .string: return .string(pick(Self.words) + (random.oneIn(2) ? pick(Self.words) : ""))
        case .timestamp:
            let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
            let day: Int64 = 86_400_000_000
            let instant = Int64.random(in: range, using: &random)
            return .timestamp(
                Instant(microseconds: random.oneIn(3) ? instant / day * day - (random.oneIn(2) ? 1 : 0) : instant)
            )
        case .float64:
            let edges = [
                0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1e308, -1e308, 0x1p52, 0x1p53, 0x1p63, -0x1p63,
                Double.leastNonzeroMagnitude,
            ]
            switch Int.random(in: 0..<3, using: &random) {
            case 0: return .float64(pick(edges))
            case 1: return .float64(SeededStream.nastyDouble(using: &random))
            default: return .float64(Double(Int.random(in: -4000...4000, using: &random)) / 8)
            }
        case .int64:
            let edges: [Int64] = [0, 1, -1, .max, .min, .min + 1, 1 << 53, 1 << 53 + 1, 1 << 32, -(1 << 32) - 1]
            return .int64(random.oneIn(3) ? pick(edges) : Int64.random(in: -9...9, using: &random))
        }
    }

    mutating func expression(_ type: ValueType, depth: Int) -> NaiveExpression {
        guard depth > 0 else { return leaf(type) }
        if random.oneIn(4) { return ofAnyType(type, depth - 1) }
        switch type {
        case .int64: return int(depth - 1)
        case .float64: return float(depth - 1)
        case .string: return string(depth - 1)
        case .bool: return bool(depth - 1)
        case .timestamp:
            let unit = pick(["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
            return .form("date_trunc('\(unit)', #)", [expression(.timestamp, depth: depth - 1)], .timestamp)
        }
    }

    private mutating func leaf(_ type: ValueType) -> NaiveExpression {
        if random.oneIn(4) { return .literal(value(type), type) }
        let names: [ValueType: [String]] = [
            .int64: ["i", "j"], .float64: ["x", "y"], .string: ["s", "t"], .bool: ["p", "q"], .timestamp: ["u", "v"],
        ]
        return .name(pick(names[type] ?? []), type)
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func number(_ depth: Int) -> NaiveExpression {
        expression(random.oneIn(2) ? .int64 : .float64, depth: depth)
    }

    /// What may stand where `type` is the common type.
    private mutating func fitting(_ type: ValueType, _ depth: Int) -> NaiveExpression {
        type == .float64 ? number(depth) : expression(type, depth: depth)
    }

    private mutating func beside(_ other: NaiveExpression, _ depth: Int) -> NaiveExpression {
        other.type == .int64 || other.type == .float64 ? number(depth) : expression(other.type, depth: depth)
    }

    private mutating func ofAnyType(_ type: ValueType, _ depth: Int) -> NaiveExpression {
        let first = expression(type, depth: depth)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return .form("nullif(#, #)", [first, beside(first, depth)], type)
        case 1:
            return .form(
                "case when # then # else # end",
                [expression(.bool, depth: depth), first, fitting(type, depth)],
                type
            )
        case 2:
            let value = expression(pick(ValueType.allCases), depth: depth)
            let operands = [value, beside(value, depth), first, beside(value, depth), fitting(type, depth)]
            return .form("case # when # then # when # then # end", operands, type)
        case 3: return .form("cast(# as \(type.name))", [first], type)
        default:
            let others = (0..<Int.random(in: 0...2, using: &random)).map { _ in fitting(type, depth) }
            let name = pick(["coalesce", "greatest", "least"])
            let form = name + "(" + Array(repeating: "#", count: others.count + 1).joined(separator: ", ") + ")"
            return .form(form, ([first] + others).shuffled(using: &random), type)
        }
    }

    private mutating func int(_ depth: Int) -> NaiveExpression {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            let form = pick(["# + #", "# - #", "# * #", "# // #", "# % #"])
            return .form(form, [expression(.int64, depth: depth), expression(.int64, depth: depth)], .int64)
        case 2:
            return .form(pick(["-#", "abs(#)", "round(#)", "trunc(#)"]), [expression(.int64, depth: depth)], .int64)
        case 3:
            let parts = [
                "year", "quarter", "month", "dayofmonth", "dayofyear", "dayofweek", "isodow", "hour", "minute",
            ]
            let form = pick(parts + ["second", "epoch_us"]) + "(#)"
            return .form(form, [expression(.timestamp, depth: depth)], .int64)
        case 4: return .form("length(#)", [expression(.string, depth: depth)], .int64)
        default:
            let form = pick(["sign(#)", "cast(# as int64)"])
            return .form(
                form,
                [form == "sign(#)" ? number(depth) : expression(pick([.float64, .bool]), depth: depth)],
                .int64
            )
        }
    }

    private mutating func float(_ depth: Int) -> NaiveExpression {
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            let form = pick(["# + #", "# - #", "# * #", "# / #", "# % #"])
            let operands = [expression(.float64, depth: depth), number(depth)]
            return .form(form, operands.shuffled(using: &random), .float64)
        case 2:
            let form = pick(["-#", "abs(#)", "round(#)", "trunc(#)", "round(#, 2)"])
            return .form(form, [expression(.float64, depth: depth)], .float64)
        case 3: return .form(pick(["floor(#)", "ceil(#)", "sqrt(#)"]), [number(depth)], .float64)
        default: return .form("cast(# as float64)", [expression(pick([.int64, .bool]), depth: depth)], .float64)
        }
    }

    private mutating func string(_ depth: Int) -> NaiveExpression {
        let first = expression(.string, depth: depth)
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: return .form("# || #", [first, expression(.string, depth: depth)], .string)
        case 2: return .form(pick(["lower(#)", "upper(#)"]), [first], .string)
        case 3:
            let numbers = [
                expression(.int64, depth: depth), .literal(.int64(Int64.random(in: -5...5, using: &random)), .int64),
            ]
            let count = Int.random(in: 1...2, using: &random)
            return .form(count == 1 ? "substr(#, #)" : "substr(#, #, #)", [first] + numbers.prefix(count), .string)
        default: return .form("cast(# as string)", [expression(pick([.int64, .bool]), depth: depth)], .string)
        }
    }

    private mutating func bool(_ depth: Int) -> NaiveExpression {
        let first = expression(pick(ValueType.allCases), depth: depth)
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            let operands = [expression(.bool, depth: depth), expression(.bool, depth: depth)]
            return .form(pick(["# and #", "# or #"]), operands, .bool)
        case 1: return .form("not #", [expression(.bool, depth: depth)], .bool)
        case 2: return .form(pick(["# is null", "# is not null"]), [first], .bool)
        case 3:
            let signs = ["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"]
            return .form("# \(pick(signs)) #", [first, beside(first, depth)], .bool)
        case 4:
            let form = pick(["# between # and #", "# not between # and #"])
            return .form(form, [first, beside(first, depth), beside(first, depth)], .bool)
        case 5:
            let hasConstants = random.oneIn(2)
            let items = (0..<Int.random(in: 1...4, using: &random)).map { _ in beside(first, hasConstants ? 0 : depth) }
            let places = Array(repeating: "#", count: items.count).joined(separator: ", ")
            return .form("# \(pick(["in", "not in"])) (\(places))", [first] + items, .bool)
        default:
            let form = pick(["# like #", "# not like #", "starts_with(#, #)", "ends_with(#, #)", "contains(#, #)"])
            let pattern = NaiveExpression.literal(.string(pick(Self.patterns)), .string)
            let other = form.contains("like") ? pattern : expression(.string, depth: depth)
            return .form(form, [expression(.string, depth: depth), other], .bool)
        }
    }
}
