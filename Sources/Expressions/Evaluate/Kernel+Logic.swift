// Three-valued logic and choice. The only operations that do not simply pass on null and overflow: what is not looked
// at does not count. Every operand has been computed for every row by then; looking away is a matter of states.

extension Kernel {
    /// An operand of `and` or `or` in two bits: 0 false, 1 true, 2 null, 3 overflow.
    @inline(__always) private static func code(_ a: Lanes, _ row: Int) -> UInt32 {
        let state = UInt32(a.states[row])
        return state == 0 ? UInt32(truncatingIfNeeded: a.values[row]) & 1 : state + 1
    }

    /// The results of the sixteen pairs of operands, two bits each, first operand in the high half of the place.
    private static func table(_ result: (UInt32, UInt32) -> UInt32) -> UInt32 {
        var table: UInt32 = 0
        for left: UInt32 in 0..<4 {
            for right: UInt32 in 0..<4 { table |= result(left, right) << (2 * (left * 4 + right)) }
        }
        return table
    }

    /// False decides; before that an overflow on the left; then the right side's false, overflow, null.
    private static let andTable = table { left, right in
        if left == 0 || left == 3 { return left }
        return left == 1 || right == 0 || right == 3 ? right : 2
    }

    private static let orTable = table { left, right in
        if left == 1 || left == 3 { return left }
        return left == 0 || right == 1 || right == 3 ? right : 2
    }

    @inline(__always) private static func combine(
        _ table: UInt32,
        _ a: Lanes,
        _ b: Lanes,
        _ out: Target,
        _ count: Int
    ) {
        for row in 0..<count {
            let result = table >> (2 * (code(a, row) * 4 + code(b, row))) & 3
            out.values[row] = UInt64(result & 1)
            out.states[row] = UInt8(truncatingIfNeeded: result < 2 ? 0 : result - 1)
        }
    }

    static func and(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) { combine(andTable, a, b, out, count) }

    static func or(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) { combine(orTable, a, b, out, count) }

    static func isNull(_ a: Lanes, _ out: Target, _ count: Int, isNegated: Bool) {
        for row in 0..<count {
            let state = a.states[row]
            out.values[row] = (state == State.null) != isNegated ? 1 : 0
            out.states[row] = state == State.overflow ? State.overflow : State.value
        }
    }

    /// Where the condition is true the one, elsewhere the other; the one that is not taken is not looked at.
    static func select(_ condition: Lanes, _ one: Lanes, _ other: Lanes, _ out: Target, _ count: Int) {
        for row in 0..<count {
            let code = code(condition, row)
            out.values[row] = code == 1 ? one.values[row] : other.values[row]
            out.states[row] = code == 3 ? State.overflow : code == 1 ? one.states[row] : other.states[row]
        }
    }

    static func coalesce(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        for row in 0..<count {
            let isNull = a.states[row] == State.null
            out.values[row] = isNull ? b.values[row] : a.values[row]
            out.states[row] = isNull ? b.states[row] : a.states[row]
        }
    }

    static func nullWhere(_ condition: Lanes, _ value: Lanes, _ out: Target, _ count: Int) {
        for row in 0..<count {
            let code = code(condition, row)
            out.values[row] = value.values[row]
            out.states[row] = code == 3 ? State.overflow : code == 1 ? State.null : value.states[row]
        }
    }
}
