import FeatureModel

extension NaiveExpression {
    /// Operators that look at all their operands.
    static func apply(_ form: String, _ values: [FeatureValue], _ type: ValueType) throws -> FeatureValue {
        let first = values.first ?? .null
        switch form {
        case "not #": return first.negated
        case "cast(# as timestamp)": return first
        case "# is null": return .bool(first == .null)
        case "# is not null": return .bool(first != .null)
        case "# is distinct from #", "# is not distinct from #":
            let second = values[1]
            let isSame = first == .null || second == .null ? first == second : NaiveOrder.compare(first, second) == 0
            return .bool(isSame == form.contains("not"))
        case "# = #", "# <> #", "# < #", "# <= #", "# > #", "# >= #":
            return NaiveOrder.test(String(form.dropFirst(2).dropLast(2)), first, values[1], false)
        case _ where form.hasPrefix("greatest"): return extreme(values, type) { $0 > 0 }
        case _ where form.hasPrefix("least"): return extreme(values, type) { $0 < 0 }
        case _ where form.hasPrefix("date_trunc"): return truncated(form, first)
        default: break
        }
        switch first {
        case .int64(let value): return try number(form, value, values, type)
        case .float64(let value): return try number(form, value, values.dropFirst().map(\.widened))
        case .string(let text): return try string(form, text, values)
        case .timestamp(let instant): return .int64(timePart(form, instant))
        case .bool(let value):
            switch type {
            case .int64: return .int64(value ? 1 : 0)
            case .float64: return .float64(value ? 1 : 0)
            case .string: return .string(value ? "true" : "false")
            default: return first
            }
        case .null, .list, .map: return .null
        }
    }

    private static func extreme(_ values: [FeatureValue], _ type: ValueType, _ isBetter: (Int) -> Bool) -> FeatureValue
    {
        var best = FeatureValue.null
        for value in values.map({ $0.widened(to: type) }) where value != .null {
            if best == .null || isBetter(NaiveOrder.compare(value, best)) { best = value }
        }
        return best
    }

    private static func number(
        _ form: String,
        _ a: Int64,
        _ values: [FeatureValue],
        _ type: ValueType
    ) throws -> FeatureValue {
        if type == .float64 || values.contains(where: { if case .float64 = $0 { true } else { false } }) {
            return try number(form, Double(a), values.dropFirst().map(\.widened))
        }
        var b: Int64 = 0
        if values.count > 1, case .int64(let value) = values[1] { b = value }
        let result: (partialValue: Int64, overflow: Bool)
        switch form {
        case "# + #": result = a.addingReportingOverflow(b)
        case "# - #": result = a.subtractingReportingOverflow(b)
        case "# * #": result = a.multipliedReportingOverflow(by: b)
        case "# // #", "# % #":
            if b == 0 { return .null }
            if a == .min, b == -1 { throw NaiveOverflow() }
            return .int64(form == "# // #" ? a / b : a % b)
        case "-#": result = Int64(0).subtractingReportingOverflow(a)
        case "abs(#)": result = a < 0 ? Int64(0).subtractingReportingOverflow(a) : (a, false)
        case "sign(#)": result = (a.signum(), false)
        case "cast(# as string)": return .string("\(a)")
        case "cast(# as bool)": return .bool(a != 0)
        default: result = (a, false)
        }
        if result.overflow { throw NaiveOverflow() }
        return .int64(result.partialValue)
    }

    private static func number(_ form: String, _ a: Double, _ rest: [FeatureValue]) throws -> FeatureValue {
        var b = 0.0
        if case .float64(let value) = rest.first { b = value }
        let result: Double
        switch form {
        case "# + #": result = a + b
        case "# - #": result = a - b
        case "# * #": result = a * b
        case "# / #": if b == 0 { return .null } else { result = a / b }
        case "# % #": if b == 0 { return .null } else { result = a.truncatingRemainder(dividingBy: b) }
        case "-#": result = -a
        case "abs(#)": result = a.magnitude
        case "sign(#)": return .int64(a > 0 ? 1 : a < 0 ? -1 : 0)
        case "floor(#)": result = a.rounded(.down)
        case "ceil(#)": result = a.rounded(.up)
        case "trunc(#)": result = a.rounded(.towardZero)
        case "round(#)": result = a.rounded(.toNearestOrAwayFromZero)
        case "round(#, 2)":
            let rounded = (a * 100).rounded(.toNearestOrAwayFromZero) / 100
            result = rounded.isFinite ? rounded : a
        case "sqrt(#)": result = a.squareRoot()
        case "cast(# as bool)": return .bool(a != 0)
        case "cast(# as int64)":
            guard let whole = Int64(exactly: a.rounded(.toNearestOrEven)) else { throw NaiveOverflow() }
            return .int64(whole)
        default: result = a
        }
        guard result.isFinite else { throw NaiveOverflow() }
        return .float64(result)
    }
}
