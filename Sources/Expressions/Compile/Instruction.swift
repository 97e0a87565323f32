/// One step of a program: an operation over whole columns of values.
struct Instruction: Sendable {
    var operation: Operation
    /// Which temporary the result goes to; never one that the same instruction reads.
    var target: Int
    var a: Operand
    var b: Operand = .none
    var c: Operand = .none
    /// The place of what does not fit an operand: of a pattern, of a set, of a list of operands; or a plain number.
    var extra = 0
    /// How many operands of `Program.lists` begin at `extra`.
    var listCount = 0
}

/// Where an instruction reads.
enum Operand: Hashable, Sendable {
    case column(Int)
    case constant(Int)
    case temporary(Int)
    case none
}

/// Every operation, each over operands of fixed types. `Kernel` says what null and overflow do.
enum Operation: UInt8, Hashable, Sendable, CaseIterable {
    // Between types.
    case intToFloat, intToBool, intToString, floatToInt, floatToBool, boolToInt, boolToFloat, boolToString
    // int64.
    case addInt, subtractInt, multiplyInt, divideInt, moduloInt, negateInt, absInt, signInt
    // float64.
    case addFloat, subtractFloat, multiplyFloat, divideFloat, moduloFloat, negateFloat, absFloat, signFloat
    case sqrt, floor, ceil, trunc, round
    /// To `extra` digits behind the point.
    case roundDigits
    // Comparisons; bool and timestamp compare as int64.
    case equalInt, notEqualInt, lessInt, lessOrEqualInt, notDistinctInt, greatestInt, leastInt
    case equalFloat, notEqualFloat, lessFloat, lessOrEqualFloat, notDistinctFloat, greatestFloat, leastFloat
    case equalString, notEqualString, lessString, lessOrEqualString, notDistinctString, greatestString, leastString
    /// Whether the operand is in set `extra`.
    case isInInts, isInFloats, isInStrings
    // Three-valued logic and choice.
    case and, or, not, isNull, isNotNull
    /// b where a is true, else c.
    case select
    /// a, or b where a is null.
    case coalesce
    /// b, or null where a is true.
    case nullWhere
    // Strings.
    /// The operands of a list, one after the other.
    case concatenate
    case length, lower, upper, startsWith, endsWith, contains
    /// a from code point b on.
    case substringFrom
    /// a from code point b on, c code points.
    case substring
    /// a against pattern `extra`.
    case like
    // Timestamps.
    case year, quarter, month, dayOfMonth, dayOfYear, dayOfWeek, isoDayOfWeek, hour, minute, second
    case truncateToSecond, truncateToMinute, truncateToHour, truncateToDay, truncateToWeek
    case truncateToMonth, truncateToQuarter, truncateToYear
}
