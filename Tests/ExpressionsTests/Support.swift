import Expressions
import FeatureModel
import Testing

/// Rows as columns of slots, for the evaluation over batches.
struct TestRows {
    let types: [ValueType]
    private var block: [[UInt64]]
    private var nulls: [UInt64] = []
    private var strings: [UInt8] = []

    init(types: [ValueType], _ rows: [[FeatureValue]]) {
        self.types = types
        block = types.map { _ in [] }
        for row in rows { append(row) }
    }

    private mutating func append(_ row: [FeatureValue]) {
        var mask: UInt64 = 0
        for (column, value) in row.enumerated() {
            let slot: UInt64
            switch value {
            case .null:
                mask |= 1 << UInt64(column)
                // What stands in a null row is nobody's business: a slot far outside the strings, a signalling NaN.
                slot = column % 2 == 0 ? .max : 0x7ff0_0000_0000_0001
            case .int64(let value): slot = UInt64(bitPattern: value)
            case .float64(let value): slot = value.bitPattern
            case .bool(let value): slot = value ? 1 : 0
            case .timestamp(let value): slot = UInt64(bitPattern: value.microseconds)
            case .string(let text):
                slot = UInt64(strings.count) << 32 | UInt64(text.utf8.count)
                strings += text.utf8
            case .list, .map: preconditionFailure("expressions have no such values")
            }
            block[column].append(slot)
        }
        nulls.append(mask)
    }

    func evaluate(_ expression: CompiledExpression, rows: Range<Int>? = nil) -> [ExpressionResult] {
        let rows = rows ?? 0..<nulls.count
        let evaluator = ExpressionEvaluator(expression)
        var slots = [UInt64](repeating: 77, count: max(1, rows.count))
        var outcomes = [ExpressionOutcome](repeating: .value, count: max(1, rows.count))
        // Results are added behind what is there.
        var made: [UInt8] = Array("before".utf8)
        let flat = block.flatMap { $0 }
        flat.withUnsafeBufferPointer { flat in
            nulls.withUnsafeBufferPointer { nulls in
                strings.withUnsafeBytes { strings in
                    slots.withUnsafeMutableBufferPointer { slots in
                        outcomes.withUnsafeMutableBufferPointer { outcomes in
                            guard let nullWords = nulls.baseAddress, let slots = slots.baseAddress,
                                let outcomes = outcomes.baseAddress
                            else { return }
                            let first = flat.baseAddress ?? nullWords
                            let columns = ExpressionColumns(
                                columns: block.indices.map { first + $0 * nulls.count },
                                nulls: nullWords,
                                strings: strings
                            )
                            evaluator.evaluate(
                                columns,
                                rows: rows,
                                slots: slots,
                                outcomes: outcomes,
                                strings: &made
                            )
                        }
                    }
                }
            }
        }
        return (0..<rows.count).map { row in
            switch outcomes[row] {
            case .null: .value(.null)
            case .overflow: .overflow
            case .value: .value(Self.value(slots[row], expression.resultType, made))
            }
        }
    }

    private static func value(_ slot: UInt64, _ type: ValueType, _ strings: [UInt8]) -> FeatureValue {
        switch type {
        case .int64: return .int64(Int64(bitPattern: slot))
        case .float64: return .float64(Double(bitPattern: slot))
        case .bool: return .bool(slot == 1)
        case .timestamp: return .timestamp(Instant(microseconds: Int64(bitPattern: slot)))
        case .string:
            let start = Int(slot >> 32)
            return .string(String(decoding: strings[start..<(start + Int(slot & 0xffff_ffff))], as: UTF8.self))
        }
    }
}

/// The names that most tests use.
let testFields = [
    Field(name: "i", type: .int64), Field(name: "j", type: .int64), Field(name: "x", type: .float64),
    Field(name: "y", type: .float64), Field(name: "s", type: .string), Field(name: "t", type: .string),
    Field(name: "p", type: .bool), Field(name: "q", type: .bool), Field(name: "u", type: .timestamp),
    Field(name: "v", type: .timestamp),
]
let testScope = ExpressionScope(testFields)

func compile(_ text: String, _ scope: ExpressionScope = testScope) throws -> CompiledExpression {
    try ParsedExpression(text).compile(in: scope)
}

/// One row, given by name; the others are null.
func evaluate(_ text: String, _ values: [String: FeatureValue] = [:]) throws -> ExpressionResult {
    try compile(text).evaluate(testFields.map { values[$0.name] ?? .null })
}

/// The mistake of a text; nil when there is none.
func mistake(_ text: String, _ scope: ExpressionScope = testScope) -> ExpressionMistake? {
    do throws(ExpressionMistake) {
        _ = try ParsedExpression(text).compile(in: scope)
        return nil
    } catch { return error }
}

extension ExpressionResult {
    static let null = ExpressionResult.value(.null)
    static func int(_ value: Int64) -> ExpressionResult { .value(.int64(value)) }
    static func float(_ value: Double) -> ExpressionResult { .value(.float64(value)) }
    static func bool(_ value: Bool) -> ExpressionResult { .value(.bool(value)) }
    static func text(_ value: String) -> ExpressionResult { .value(.string(value)) }

    /// Equal to the last bit; `==` takes -0.0 for 0.0.
    func isSame(as other: ExpressionResult) -> Bool {
        if case .value(.float64(let a)) = self, case .value(.float64(let b)) = other {
            return a.bitPattern == b.bitPattern
        }
        return self == other
    }
}
