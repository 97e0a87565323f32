import FeatureModel

extension Lowering {
    /// The comparisons of one type. Bools and timestamps compare as the integers in their slots.
    struct Comparisons {
        let equal, notEqual, less, lessOrEqual, notDistinct, greatest, least, isIn: Operation

        init(of type: ValueType?) {
            switch type {
            case .string:
                (equal, notEqual, less, lessOrEqual) = (.equalString, .notEqualString, .lessString, .lessOrEqualString)
                (notDistinct, greatest, least) = (.notDistinctString, .greatestString, .leastString)
                isIn = .isInStrings
            case .float64:
                (equal, notEqual, less, lessOrEqual) = (.equalFloat, .notEqualFloat, .lessFloat, .lessOrEqualFloat)
                (notDistinct, greatest, least, isIn) = (.notDistinctFloat, .greatestFloat, .leastFloat, .isInFloats)
            case .int64, .bool, .timestamp, nil:
                (equal, notEqual, less, lessOrEqual) = (.equalInt, .notEqualInt, .lessInt, .lessOrEqualInt)
                (notDistinct, greatest, least, isIn) = (.notDistinctInt, .greatestInt, .leastInt, .isInInts)
            }
        }
    }

    /// Brings values to the type that they are compared in.
    private mutating func comparable(
        _ values: [Typed]
    ) throws(ExpressionMistake) -> (operands: [Operand], type: ValueType?) {
        let type = try commonType(values) { before, type in
            let isTime = [before, type] == [.timestamp, .string] || [before, type] == [.string, .timestamp]
            let advice = isTime ? "; write timestamp '2026-11-24T08:15:00Z', for example" : ""
            return "cannot compare \(before.name) with \(type.name)\(advice)"
        }
        guard let type else { return (values.map(\.operand), nil) }
        var operands: [Operand] = []
        for value in values { operands.append(try convert(value, to: type)) }
        return (operands, type)
    }

    mutating func compare(
        _ operation: Operator,
        _ left: Typed,
        _ right: Typed,
        at offset: Int
    ) throws(ExpressionMistake) -> Operand {
        let (operands, type) = try comparable([left, right])
        let (a, b) = (operands[0], operands[1])
        let comparisons = Comparisons(of: type)
        switch operation {
        case .equal: return try emit(comparisons.equal, a, b, as: .bool, at: offset)
        case .notEqual: return try emit(comparisons.notEqual, a, b, as: .bool, at: offset)
        case .less: return try emit(comparisons.less, a, b, as: .bool, at: offset)
        case .lessOrEqual: return try emit(comparisons.lessOrEqual, a, b, as: .bool, at: offset)
        case .greater: return try emit(comparisons.less, b, a, as: .bool, at: offset)
        case .greaterOrEqual: return try emit(comparisons.lessOrEqual, b, a, as: .bool, at: offset)
        default:
            let same = try emit(comparisons.notDistinct, a, b, as: .bool, at: offset)
            return operation == .isNotDistinct ? same : try emit(.not, same, as: .bool, at: offset)
        }
    }

    /// `low <= x and x <= high`, all three in one type.
    mutating func between(
        _ values: [Typed],
        _ isNegated: Bool,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let (operands, type) = try comparable(values)
        let lessOrEqual = Comparisons(of: type).lessOrEqual
        let above = try emit(lessOrEqual, operands[1], operands[0], as: .bool, at: offset)
        let below = try emit(lessOrEqual, operands[0], operands[2], as: .bool, at: offset)
        let both = try emit(.and, above, below, as: .bool, at: offset)
        return try bool(isNegated ? emit(.not, both, as: .bool, at: offset) : both)
    }

    /// `x = first or x = second or ...`, all in one type; a search in a set when the list holds constants only.
    mutating func isIn(
        _ values: [Typed],
        _ isNegated: Bool,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let (operands, type) = try comparable(values)
        let comparisons = Comparisons(of: type)
        let constants = operands.dropFirst().compactMap { builder.constant(at: $0) }
        var found: Operand
        if constants.count == operands.count - 1, let type {
            let set = builder.set(ConstantSet(constants, type: type))
            found = try emit(comparisons.isIn, operands[0], extra: set, as: .bool, at: offset)
        } else {
            found = try emit(comparisons.equal, operands[0], operands[1], as: .bool, at: offset)
            for item in operands.dropFirst(2) {
                let isEqual = try emit(comparisons.equal, operands[0], item, as: .bool, at: offset)
                found = try emit(.or, found, isEqual, as: .bool, at: offset)
            }
        }
        return try bool(isNegated ? emit(.not, found, as: .bool, at: offset) : found)
    }

    /// The greatest or least of the values that are not null.
    mutating func extreme(
        _ function: Function,
        _ values: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let (operands, type) = try comparable(values)
        guard let type else { return values[0] }
        let comparisons = Comparisons(of: type)
        let operation = function == .greatest ? comparisons.greatest : comparisons.least
        var best = operands[0]
        for operand in operands.dropFirst() { best = try emit(operation, best, operand, as: type, at: offset) }
        return typed(best, type)
    }
}
