public import FeatureModel

extension ExpressionEvaluator {
    /// Evaluates a single row of values: for cold paths, through the same program.
    ///
    /// - Parameter row: the inputs, numbered as the expression was compiled. The values that the expression reads must
    ///   be null or of their input's type; anything else traps.
    public func evaluate(_ row: [FeatureValue]) -> ExpressionResult {
        var slots = [UInt64](repeating: 0, count: row.count)
        var nulls: UInt64 = 0
        var strings: [UInt8] = []
        for column in program.columns {
            let value = row[column.index]
            precondition(
                value == .null || value.type == column.type,
                "input \(column.index) is \(column.type.name), not \(value)"
            )
            switch value {
            case .null: nulls |= 1 << UInt64(column.index)
            case .int64(let number): slots[column.index] = number.slot
            case .float64(let number): slots[column.index] = number.slot
            case .bool(let isTrue): slots[column.index] = isTrue.slot
            case .timestamp(let instant): slots[column.index] = instant.microseconds.slot
            case .string(let text):
                slots[column.index] = UInt64(strings.count) << 32 | UInt64(text.utf8.count)
                strings += text.utf8
            // No input is of such a type: the precondition has trapped.
            case .list, .map: break
            }
        }
        return slots.withUnsafeBufferPointer { buffer in
            strings.withUnsafeBytes { bytes in
                withUnsafePointer(to: nulls) { nulls in
                    let columns = buffer.indices.compactMap { place in buffer.baseAddress.map { $0 + place } }
                    return single(ExpressionColumns(columns: columns, nulls: nulls, strings: bytes))
                }
            }
        }
    }

    private func single(_ columns: ExpressionColumns) -> ExpressionResult {
        var slot: UInt64 = 0
        var outcome = ExpressionOutcome.value
        var strings: [UInt8] = []
        evaluate(columns, rows: 0..<1, slots: &slot, outcomes: &outcome, strings: &strings)
        switch outcome {
        case .null: return .value(.null)
        case .overflow: return .overflow
        case .value: break
        }
        return switch program.resultType {
        case .int64: .value(.int64(Int64(slot: slot)))
        case .float64: .value(.float64(Double(slot: slot)))
        case .bool: .value(.bool(Bool(slot: slot)))
        case .timestamp: .value(.timestamp(Instant(microseconds: Int64(slot: slot))))
        case .string: .value(.string(String(decoding: strings, as: UTF8.self)))
        }
    }

    /// The value of a program without columns; nil for overflow.
    func constant() -> Constant? {
        var nulls: UInt64 = 0
        var slot: UInt64 = 0
        var outcome = ExpressionOutcome.value
        var strings: [UInt8] = []
        withUnsafePointer(to: &nulls) { nulls in
            let columns = ExpressionColumns(
                columns: [],
                nulls: nulls,
                strings: UnsafeRawBufferPointer(start: nil, count: 0)
            )
            evaluate(columns, rows: 0..<1, slots: &slot, outcomes: &outcome, strings: &strings)
        }
        switch outcome {
        case .null: return .null
        case .overflow: return nil
        case .value: return program.resultType == .string ? .string(strings) : .slot(slot)
        }
    }
}

extension CompiledExpression {
    /// Evaluates a single row of values; see `ExpressionEvaluator.evaluate`, which spares the registers' allocation.
    public func evaluate(_ row: [FeatureValue]) -> ExpressionResult {
        ExpressionEvaluator(program, width: 1).evaluate(row)
    }
}

extension FeatureValue {
    fileprivate var type: ValueType? {
        switch self {
        case .null, .list, .map: nil
        case .int64: .int64
        case .float64: .float64
        case .string: .string
        case .bool: .bool
        case .timestamp: .timestamp
        }
    }
}
