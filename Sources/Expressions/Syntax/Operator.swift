/// How strongly an operator binds; a higher level binds first. The order is DuckDB's.
enum Level: Int, Comparable, Sendable {
    case or = 1, and, not, `is`, comparison, membership, concatenation, sum, product, negation, primary

    static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

    var next: Level { Level(rawValue: rawValue + 1) ?? .primary }
}

/// Every operator that is written with signs or keywords. The raw value is how it is printed.
enum Operator: String, Hashable, Sendable, CaseIterable {
    case or, and, not
    case isNull = "is null", isNotNull = "is not null"
    case isDistinct = "is distinct from", isNotDistinct = "is not distinct from"
    case equal = "=", notEqual = "<>", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    case between, notBetween = "not between", isIn = "in", isNotIn = "not in", like, notLike = "not like"
    case concatenate = "||"
    case add = "+", subtract = "-", multiply = "*", divide = "/", integerDivide = "//", modulo = "%"
    case negate = "negation"

    var level: Level {
        switch self {
        case .or: .or
        case .and: .and
        case .not: .not
        case .isNull, .isNotNull: .is
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .isDistinct, .isNotDistinct: .comparison
        case .between, .notBetween, .isIn, .isNotIn, .like, .notLike: .membership
        case .concatenate: .concatenation
        case .add, .subtract: .sum
        case .multiply, .divide, .integerDivide, .modulo: .product
        case .negate: .negation
        }
    }

    /// Operators between two operands that are one sign each.
    init?(_ symbol: Symbol) {
        switch symbol {
        case .equal, .equals: self = .equal
        case .notEqual, .differs: self = .notEqual
        case .less: self = .less
        case .lessOrEqual: self = .lessOrEqual
        case .greater: self = .greater
        case .greaterOrEqual: self = .greaterOrEqual
        case .concatenate: self = .concatenate
        case .plus: self = .add
        case .minus: self = .subtract
        case .star: self = .multiply
        case .slash: self = .divide
        case .integerDivide: self = .integerDivide
        case .percent: self = .modulo
        case .open, .close, .comma, .dot, .doubleColon: return nil
        }
    }
}
