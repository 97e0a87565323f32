import FeatureModel

/// A compiled expression: instructions over columns, constants and temporaries, in the order in which they run.
///
///     amount * (1 - discount)          columns     0 amount   1 discount
///                                      constants   0 `1.0`
///     subtractFloat   t0 <- k0, c1
///     multiplyFloat   t1 <- c0, t0     result      t1
struct Program: Sendable {
    struct Column: Hashable, Sendable {
        /// Its place among the evaluated columns, and its bit in a row's null word.
        var index: Int
        var type: ValueType
    }

    var columns: [Column] = []
    var constants: [Constant] = []
    var instructions: [Instruction] = []
    var temporaryCount = 0
    var lists: [Operand] = []
    var patterns: [LikePattern] = []
    var sets: [ConstantSet] = []
    var result: Operand = .none
    var resultType: ValueType = .bool
}

/// A value that is the same for every row.
enum Constant: Hashable, Sendable {
    case null
    /// A slot of any type but string.
    case slot(UInt64)
    case string([UInt8])
}

/// The values of an `in` list that holds constants only, sorted, so that a row costs a search and not a pass.
struct ConstantSet: Sendable {
    enum Members: Sendable {
        case ints([Int64])
        case floats([Double])
        case strings([[UInt8]])
    }

    var members: Members
    /// Not found is then unknown, and so null.
    var containsNull: Bool

    init(_ constants: [Constant], type: ValueType) {
        containsNull = constants.contains(.null)
        let slots = constants.compactMap { if case .slot(let slot) = $0 { slot } else { nil } }
        switch type {
        case .string:
            let texts = constants.compactMap { if case .string(let bytes) = $0 { bytes } else { nil } }
            members = .strings(texts.sorted { $0.lexicographicallyPrecedes($1) })
        case .float64: members = .floats(slots.map { Double(slot: $0) }.sorted())
        case .int64, .bool, .timestamp: members = .ints(slots.map { Int64(slot: $0) }.sorted())
        }
    }
}
