import FeatureModel

/// Where results go: a slot and an outcome a row.
struct Output {
    let slots: UnsafeMutablePointer<UInt64>
    let outcomes: UnsafeMutablePointer<ExpressionOutcome>

    func write(
        _ result: Lanes,
        _ type: ValueType,
        _ count: Int,
        _ heap: StringHeap,
        _ strings: inout [UInt8]
    ) {
        switch type {
        case .float64:
            write(result, count) { slot in
                // -0.0 + 0.0 is +0.0: equal numbers have equal bits.
                let value = Double(slot: slot) + 0
                return value.isFinite ? value.slot : nil
            }
        case .string:
            write(result, count) { slot in
                let text = heap.text(slot)
                precondition(strings.count + text.count <= UInt32.max, "string results beyond 4 GiB")
                let start = UInt64(strings.count)
                strings.append(contentsOf: text)
                return start << 32 | UInt64(text.count)
            }
        case .bool: write(result, count) { $0 & 1 }
        case .int64, .timestamp: write(result, count) { $0 }
        }
    }

    /// - Parameter slot: what to write for a value; nil for overflow.
    @inline(__always) private func write(_ result: Lanes, _ count: Int, _ slot: (UInt64) -> UInt64?) {
        for row in 0..<count {
            let state = result.states[row]
            let found = state == State.value ? slot(result.values[row]) : nil
            slots[row] = found ?? 0
            outcomes[row] = found != nil ? .value : state == State.null ? .null : .overflow
        }
    }
}
