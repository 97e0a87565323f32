import FeatureModel

extension Lowering {
    mutating func call(
        _ function: Function,
        _ arguments: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let first = arguments[0]
        switch function {
        case .coalesce: return try coalesce(arguments, at: offset)
        case .nullif: return try nullif(arguments, at: offset)
        case .greatest, .least: return try extreme(function, arguments, at: offset)
        case .abs: return try sign(first, "abs", .absInt, .absFloat, at: offset)
        case .sign:
            try require(first, [.int64, .float64], "sign")
            let operation: Operation = first.type == .float64 ? .signFloat : .signInt
            return try typed(emit(operation, first.operand, as: .int64, at: offset), .int64)
        case .floor, .ceil, .sqrt: return try real(function, first, at: offset)
        case .round, .trunc: return try rounded(function, arguments, at: offset)
        case .length, .lower, .upper, .startsWith, .endsWith, .contains, .substr:
            return try text(function, arguments, at: offset)
        case .dateTrunc: return try truncate(arguments, at: offset)
        default: return try timePart(function, first, at: offset)
        }
    }

    /// Functions whose result is float64 for int64 too, as in DuckDB.
    private mutating func real(
        _ function: Function,
        _ value: Typed,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        try require(value, [.int64, .float64], function.rawValue)
        let operand = try convert(value, to: .float64)
        let operation: Operation = function == .floor ? .floor : function == .ceil ? .ceil : .sqrt
        return typed(try emit(operation, operand, as: .float64, at: offset), .float64)
    }

    private mutating func rounded(
        _ function: Function,
        _ arguments: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        let value = arguments[0]
        try require(value, arguments.count > 1 ? [.float64] : [.int64, .float64], function.rawValue)
        guard arguments.count > 1 else {
            // A whole number is its own rounding.
            guard value.type == .float64 else { return value }
            let operation: Operation = function == .round ? .round : .trunc
            return typed(try emit(operation, value.operand, as: .float64, at: offset), .float64)
        }
        try require(arguments[1], [.int64], function.rawValue)
        guard case .slot(let digits) = builder.constant(at: arguments[1].operand), digits <= 15 else {
            throw ExpressionMistake(arguments[1].start, "the digits of 'round' must be a constant from 0 to 15")
        }
        let result = try emit(.roundDigits, value.operand, extra: Int(digits), as: .float64, at: offset)
        return typed(result, .float64)
    }

    private mutating func text(
        _ function: Function,
        _ arguments: [Typed],
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        for (place, argument) in arguments.enumerated() {
            try require(argument, function == .substr && place > 0 ? [.int64] : [.string], function.rawValue)
        }
        let operands = arguments.map(\.operand)
        let operation: Operation
        let type: ValueType
        switch function {
        case .length: (operation, type) = (.length, .int64)
        case .lower: (operation, type) = (.lower, .string)
        case .upper: (operation, type) = (.upper, .string)
        case .startsWith: (operation, type) = (.startsWith, .bool)
        case .endsWith: (operation, type) = (.endsWith, .bool)
        case .contains: (operation, type) = (.contains, .bool)
        default: (operation, type) = (operands.count == 2 ? .substringFrom : .substring, .string)
        }
        let b = operands.count > 1 ? operands[1] : .none
        let c = operands.count > 2 ? operands[2] : .none
        return typed(try emit(operation, operands[0], b, c, as: type, at: offset), type)
    }

    private mutating func timePart(
        _ function: Function,
        _ value: Typed,
        at offset: Int
    ) throws(ExpressionMistake) -> Typed {
        try require(value, [.timestamp], function.rawValue)
        let operation: Operation
        switch function {
        case .year: operation = .year
        case .quarter: operation = .quarter
        case .month: operation = .month
        case .dayOfMonth: operation = .dayOfMonth
        case .dayOfYear: operation = .dayOfYear
        case .dayOfWeek: operation = .dayOfWeek
        case .isoDayOfWeek: operation = .isoDayOfWeek
        case .hour: operation = .hour
        case .minute: operation = .minute
        case .second: operation = .second
        // A timestamp's slot holds its microseconds.
        default: return typed(value.operand, .int64)
        }
        return typed(try emit(operation, value.operand, as: .int64, at: offset), .int64)
    }

    private mutating func truncate(_ arguments: [Typed], at offset: Int) throws(ExpressionMistake) -> Typed {
        try require(arguments[0], [.string], "date_trunc")
        try require(arguments[1], [.timestamp], "date_trunc")
        guard case .string(let bytes) = builder.constant(at: arguments[0].operand) else {
            throw ExpressionMistake(arguments[0].start, "the unit of 'date_trunc' must be a constant, such as 'day'")
        }
        let word = String(decoding: bytes, as: UTF8.self)
        guard let unit = TimeUnit(rawValue: word.lowercased()) else {
            let advice = hint(for: word, among: TimeUnit.allCases.map(\.rawValue), title: "units")
            throw ExpressionMistake(arguments[0].start, "unknown unit '\(word)'\(advice)")
        }
        let operation: Operation =
            switch unit {
            case .second: .truncateToSecond
            case .minute: .truncateToMinute
            case .hour: .truncateToHour
            case .day: .truncateToDay
            case .week: .truncateToWeek
            case .month: .truncateToMonth
            case .quarter: .truncateToQuarter
            case .year: .truncateToYear
            }
        return typed(try emit(operation, arguments[1].operand, as: .timestamp, at: offset), .timestamp)
    }
}
