import FeatureModel

extension Lowering {
    mutating func apply(
        _ operation: Operator,
        _ operands: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        switch operation {
        case .and, .or:
            for operand in operands { try require(operand, [.bool], operation.rawValue) }
            let instruction: Operation = operation == .and ? .and : .or
            return try bool(emit(instruction, operands[0].operand, operands[1].operand, as: .bool, at: offset))
        case .not:
            try require(operands[0], [.bool], "not")
            return try bool(emit(.not, operands[0].operand, as: .bool, at: offset))
        case .isNull: return try bool(emit(.isNull, operands[0].operand, as: .bool, at: offset))
        case .isNotNull: return try bool(emit(.isNotNull, operands[0].operand, as: .bool, at: offset))
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .isDistinct, .isNotDistinct:
            return try bool(compare(operation, operands[0], operands[1], at: offset))
        case .between, .notBetween: return try between(operands, operation == .notBetween, at: offset)
        case .isIn, .isNotIn: return try isIn(operands, operation == .isNotIn, at: offset)
        case .like, .notLike: return try like(operands, operation == .notLike, at: offset)
        case .concatenate:
            for operand in operands { try require(operand, [.string], "||") }
            let chain = operands.flatMap { $0.chain.isEmpty ? [$0.operand] : $0.chain }
            return Typed(operand: .none, type: .string, start: offset, chain: chain)
        case .add, .subtract, .multiply, .divide, .integerDivide, .modulo:
            return try arithmetic(operation, operands, at: offset)
        case .negate: return try sign(operands[0], "-", .negateInt, .negateFloat, at: offset)
        }
    }

    func bool(_ operand: Operand) -> Typed { typed(operand, .bool) }

    /// An operation that has one instruction for int64 and one for float64 and gives the type that it takes.
    mutating func sign(
        _ value: Typed,
        _ what: String,
        _ int: Operation,
        _ float: Operation,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        try require(value, [.int64, .float64], what)
        guard let type = value.type else { return value }
        return try typed(emit(type == .int64 ? int : float, value.operand, as: type, at: offset), type)
    }

    private mutating func arithmetic(
        _ operation: Operator,
        _ operands: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let isWhole = operation == .integerDivide
        for operand in operands {
            try require(operand, isWhole ? [.int64] : [.int64, .float64], operation.rawValue)
        }
        // A bare null takes the type of what stands beside it; beside another null it is one again.
        guard let common = try commonType(operands, { "\($0.name) and \($1.name)" }) else { return operands[0] }
        let type = operation == .divide ? .float64 : isWhole ? .int64 : common
        let (a, b) = (try convert(operands[0], to: type), try convert(operands[1], to: type))
        let isFloat = type == .float64
        let instruction: Operation =
            switch operation {
            case .add: isFloat ? .addFloat : .addInt
            case .subtract: isFloat ? .subtractFloat : .subtractInt
            case .multiply: isFloat ? .multiplyFloat : .multiplyInt
            case .modulo: isFloat ? .moduloFloat : .moduloInt
            case .integerDivide: .divideInt
            default: .divideFloat
            }
        return try typed(emit(instruction, a, b, as: type, at: offset), type)
    }

    private mutating func like(
        _ operands: [Typed],
        _ isNegated: Bool,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        for operand in operands { try require(operand, [.string], "like") }
        let result: Operand
        switch builder.constant(at: operands[1].operand) {
        case .string(let bytes):
            let pattern = builder.pattern(LikePattern(bytes))
            result = try emit(.like, operands[0].operand, extra: pattern, as: .bool, at: offset)
        case .null: result = builder.constant(.null)
        default: throw ExpressionMistake(operands[1].start, "the pattern of 'like' must be a constant")
        }
        return try bool(isNegated ? emit(.not, result, as: .bool, at: offset) : result)
    }
}
