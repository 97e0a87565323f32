import FeatureModel

extension Lowering {
    /// Both forms of `case`. With an operand each branch compares it with the branch's value.
    mutating func choose(
        _ operands: [Typed],
        hasOperand: Bool,
        hasElse: Bool,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let first = hasOperand ? 1 : 0
        let branches = stride(from: first, to: operands.count - (hasElse ? 1 : 0), by: 2)
        var results = branches.map { operands[$0 + 1] }
        if hasElse { results.append(operands[operands.count - 1]) }
        let (converted, type) = try unified(results, "the results of 'case'")
        var conditions: [Operand] = []
        for branch in branches {
            if hasOperand {
                conditions.append(try compare(.equal, operands[0], operands[branch], at: operands[branch].start))
            } else {
                try require(operands[branch], [.bool], "when")
                conditions.append(operands[branch].operand)
            }
        }
        var result = hasElse ? converted[converted.count - 1] : builder.constant(.null)
        for (condition, value) in zip(conditions, converted).reversed() {
            result = try emit(.select, condition, value, result, as: type ?? .bool, at: offset)
        }
        return typed(result, type)
    }

    mutating func coalesce(_ values: [Typed], at offset: Int) throws(ExpressionMistake) -> Typed {
        let (operands, type) = try unified(values, "the arguments of 'coalesce'")
        var result = operands[0]
        for operand in operands.dropFirst() {
            result = try emit(.coalesce, result, operand, as: type ?? .bool, at: offset)
        }
        return typed(result, type)
    }

    /// The first value, or null where it equals the second; in the first one's type.
    mutating func nullif(_ values: [Typed], at offset: Int) throws(ExpressionMistake) -> Typed {
        let isEqual = try compare(.equal, values[0], values[1], at: offset)
        let type = values[0].type
        return typed(try emit(.nullWhere, isEqual, values[0].operand, as: type ?? .bool, at: offset), type)
    }

    private mutating func unified(
        _ values: [Typed],
        _ what: String
    ) throws(ExpressionMistake) -> (operands: [Operand], type: ValueType?) {
        let type = try commonType(values) { "\(what) have one type, not \($0.name) and \($1.name)" }
        guard let type else { return (values.map(\.operand), nil) }
        var operands: [Operand] = []
        for value in values { operands.append(try convert(value, to: type)) }
        return (operands, type)
    }

    mutating func cast(_ value: Typed, to type: ValueType, at offset: Int) throws(ExpressionMistake) -> Typed {
        guard let from = value.type, from != type else { return typed(value.operand, type) }
        let operation: Operation
        switch (from, type) {
        case (.int64, .float64): operation = .intToFloat
        case (.int64, .bool): operation = .intToBool
        case (.int64, .string): operation = .intToString
        case (.float64, .int64): operation = .floatToInt
        case (.float64, .bool): operation = .floatToBool
        case (.bool, .int64): operation = .boolToInt
        case (.bool, .float64): operation = .boolToFloat
        case (.bool, .string): operation = .boolToString
        case (.timestamp, .int64):
            throw ExpressionMistake(offset, "timestamp has no cast to int64; epoch_us(...) is its microseconds")
        default: throw ExpressionMistake(offset, "\(from.name) has no cast to \(type.name)")
        }
        return typed(try emit(operation, value.operand, as: type, at: offset), type)
    }
}
