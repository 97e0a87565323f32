// Arithmetic and conversions. Only operations that IEEE 754 defines to the last bit: what one machine computes, all do.

extension Kernel {
    static func addInt(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zipChecked(a, b, out, count) { left, right in
            let sum = left &+ right
            return (sum, (left ^ sum) & (right ^ sum) < 0)
        }
    }

    static func subtractInt(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zipChecked(a, b, out, count) { left, right in
            let difference = left &- right
            return (difference, (left ^ right) & (left ^ difference) < 0)
        }
    }

    static func multiplyInt(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zipChecked(a, b, out, count) { $0.multipliedReportingOverflow(by: $1) }
    }

    /// Towards zero; by zero it is null.
    static func divideInt(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zipChecked(a, b, out, count) { $1 == 0 ? (0, false) : $0.dividedReportingOverflow(by: $1) }
        markZeroInt(b, out, count)
    }

    /// With the sign of the dividend. The least int64 by -1 overflows, as its division does.
    static func moduloInt(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zipChecked(a, b, out, count) { $1 == 0 ? (0, false) : $0.remainderReportingOverflow(dividingBy: $1) }
        markZeroInt(b, out, count)
    }

    private static func markZeroInt(_ b: Lanes, _ out: Target, _ count: Int) {
        mark(.null, out, count) { b.values[$0] == 0 }
    }

    static func negateInt(_ a: Lanes, _ out: Target, _ count: Int) {
        map(a, out, count) { (value: Int64) in 0 &- value }
        mark(.overflow, out, count) { Int64(slot: a.values[$0]) == .min }
    }

    static func absInt(_ a: Lanes, _ out: Target, _ count: Int) {
        map(a, out, count) { (value: Int64) in value < 0 ? 0 &- value : value }
        mark(.overflow, out, count) { Int64(slot: a.values[$0]) == .min }
    }

    static func divideFloat(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zip(a, b, out, count) { (left: Double, right: Double) in left / right }
        // Null first: what is divided by zero has no value that could overflow.
        mark(.null, out, count) { Double(slot: b.values[$0]) == 0 }
        markNotFinite(out, count)
    }

    static func moduloFloat(_ a: Lanes, _ b: Lanes, _ out: Target, _ count: Int) {
        zip(a, b, out, count) { (left: Double, right: Double) in left.exactRemainder(dividingBy: right) }
        mark(.null, out, count) { Double(slot: b.values[$0]) == 0 }
        markNotFinite(out, count)
    }

    static func sqrt(_ a: Lanes, _ out: Target, _ count: Int) {
        map(a, out, count) { (value: Double) in value.squareRoot() }
        markNotFinite(out, count)
    }

    /// Half to even, as in DuckDB.
    static func floatToInt(_ a: Lanes, _ out: Target, _ count: Int) {
        for row in 0..<count {
            let value = Double(slot: a.values[row]).exactRoundingToEven
            let fits = value >= -0x1p63 && value < 0x1p63
            out.values[row] = fits ? Int64(value).slot : 0
            let state = a.states[row]
            out.states[row] = state == State.value && !fits ? State.overflow : state
        }
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// To a number of digits behind the point. A value that the power of ten carries out of range has none to lose.
    static func roundDigits(_ a: Lanes, _ digits: Int, _ out: Target, _ count: Int) {
        let power = powersOfTen[digits]
        map(a, out, count) { (value: Double) in
            let rounded = (value * power).exactRounding / power
            return rounded.isFinite ? rounded : value
        }
    }
}
