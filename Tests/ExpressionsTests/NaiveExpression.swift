import FeatureModel

// The oracle: expressions as a tree that is walked for every row, with the standard library's strings and numbers. It
// shares no code with `Expressions`, and looks away from what is not taken because it never gets there.

/// The value does not fit.
struct NaiveOverflow: Error {}

indirect enum NaiveExpression {
    case literal(FeatureValue, ValueType)
    case name(String, ValueType)
    /// `form` is how it is written, with `#` for each operand; it also says what is meant.
    case form(String, [NaiveExpression], ValueType)

    var type: ValueType {
        switch self {
        case .literal(_, let type), .name(_, let type), .form(_, _, let type): type
        }
    }

    var text: String {
        switch self {
        case .name(let name, _): return name
        case .literal(let value, let type): return Self.text(of: value, type)
        case .form(let form, let operands, _):
            let parts = form.split(separator: "#", omittingEmptySubsequences: false)
            var text = String(parts[0])
            for (part, operand) in zip(parts.dropFirst(), operands) { text += operand.text + part }
            return "(\(text))"
        }
    }

    private static func text(of value: FeatureValue, _ type: ValueType) -> String {
        switch value {
        case .null: "cast(null as \(type.name))"
        case .int64(let value): "(\(value))"
        case .float64(let value): "(\(value))"
        case .bool(let value): "\(value)"
        case .timestamp(let value): "timestamp '\(value.iso8601)'"
        case .string(let value):
            "'" + value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        case .list, .map: ""
        }
    }

    func value(_ row: [String: FeatureValue]) throws -> FeatureValue {
        switch self {
        case .literal(let value, _): return value
        case .name(let name, _): return row[name] ?? .null
        case .form(let form, let operands, let type):
            if let value = try Self.lazily(form, operands, row, type) { return value }
            let values = try operands.map { try $0.value(row) }
            if values.contains(.null), !form.hasPrefix("greatest"), !form.hasPrefix("least"), !form.hasSuffix("null"),
                !form.contains("distinct")
            {
                return .null
            }
            return try Self.apply(form, values, type)
        }
    }

    // MARK: what does not look at every operand

    private static func lazily(
        _ form: String,
        _ operands: [NaiveExpression],
        _ row: [String: FeatureValue],
        _ type: ValueType
    ) throws -> FeatureValue? {
        func operand(_ index: Int) throws -> FeatureValue { try operands[index].value(row) }
        func either(_ left: () throws -> FeatureValue, _ right: () throws -> FeatureValue, decides: Bool) throws
            -> FeatureValue
        {
            let first = try left()
            if first == .bool(decides) { return first }
            let second = try right()
            return second == .bool(decides) || first != .null ? second : .null
        }
        let isMixed = operands.contains { $0.type == .float64 }
        func same(_ a: FeatureValue, _ b: FeatureValue, widened: Bool) -> FeatureValue {
            guard a != .null, b != .null else { return .null }
            return .bool(NaiveOrder.compare(widened ? a.widened : a, widened ? b.widened : b) == 0)
        }
        switch form {
        case "# and #": return try either({ try operand(0) }, { try operand(1) }, decides: false)
        case "# or #": return try either({ try operand(0) }, { try operand(1) }, decides: true)
        case "# between # and #", "# not between # and #":
            let value = try operand(0)
            let bounds = [try operand(1)]
            let low = NaiveOrder.test("<=", bounds[0], value, isMixed)
            let both = try either({ low }, { NaiveOrder.test("<=", value, try operand(2), isMixed) }, decides: false)
            return form.contains("not") ? both.negated : both
        case _ where form.contains(" in ("):
            let value = try operand(0)
            var found = FeatureValue.bool(false)
            for index in 1..<operands.count {
                let before = found
                found = try either({ before }, { same(value, try operand(index), widened: isMixed) }, decides: true)
            }
            return form.contains("not in") ? found.negated : found
        case "case when # then # else # end":
            return try operand(try operand(0) == .bool(true) ? 1 : 2).widened(to: type)
        case "case # when # then # when # then # end":
            let value = try operand(0)
            for branch in [1, 3] {
                let isMixed = operands[0].type != operands[branch].type
                guard same(value, try operand(branch), widened: isMixed) == .bool(true) else { continue }
                return try operand(branch + 1).widened(to: type)
            }
            return .null
        case _ where form.hasPrefix("coalesce"):
            for operand in operands {
                let value = try operand.value(row)
                if value != .null { return value.widened(to: type) }
            }
            return .null
        case "nullif(#, #)":
            let (value, other) = (try operand(0), try operand(1))
            return same(value, other, widened: operands[0].type != operands[1].type) == .bool(true) ? .null : value
        default: return nil
        }
    }
}

extension FeatureValue {
    var widened: FeatureValue {
        if case .int64(let value) = self { return .float64(Double(value)) }
        return self
    }

    func widened(to type: ValueType) -> FeatureValue { type == .float64 ? widened : self }

    var negated: FeatureValue {
        if case .bool(let value) = self { return .bool(!value) }
        return self
    }
}

enum NaiveOrder {
    /// Negative, 0 or positive; both of one type and not null.
    static func compare(_ a: FeatureValue, _ b: FeatureValue) -> Int {
        switch (a, b) {
        case (.int64(let a), .int64(let b)): a < b ? -1 : a > b ? 1 : 0
        case (.float64(let a), .float64(let b)): a < b ? -1 : a > b ? 1 : 0
        case (.bool(let a), .bool(let b)): (a ? 1 : 0) - (b ? 1 : 0)
        case (.timestamp(let a), .timestamp(let b)): a < b ? -1 : a > b ? 1 : 0
        case (.string(let a), .string(let b)):
            a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : a.utf8.elementsEqual(b.utf8) ? 0 : 1
        case (.int64, .float64), (.float64, .int64): compare(a.widened, b.widened)
        default: preconditionFailure("\(a) beside \(b)")
        }
    }

    static func test(_ sign: String, _ a: FeatureValue, _ b: FeatureValue, _ isMixed: Bool) -> FeatureValue {
        guard a != .null, b != .null else { return .null }
        let order = isMixed ? compare(a.widened, b.widened) : compare(a, b)
        switch sign {
        case "=": return .bool(order == 0)
        case "<>": return .bool(order != 0)
        case "<": return .bool(order < 0)
        case "<=": return .bool(order <= 0)
        case ">": return .bool(order > 0)
        default: return .bool(order >= 0)
        }
    }
}
