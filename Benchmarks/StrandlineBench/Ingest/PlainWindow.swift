// An amount is the double nearest to its cents / 100. All doubles from 0.01 on are whole multiples of 2^-59, so a window's
// sum is a 128-bit integer of that unit, exactly; its nearest double is the correctly rounded sum.

import FeatureModel

/// A window's records, added up.
struct PlainWindow {
    private(set) var count: Int64 = 0
    private var sum: Int128 = 0
    private var largest: Int64 = 0

    mutating func add(cents: Int64) {
        count += 1
        sum += Int128(Double(cents) / 100 * 0x1p59)
        largest = max(largest, cents)
    }

    func value(of function: AggregateFunction) -> FeatureValue {
        if function == .count { return .int64(count) }
        guard count > 0 else { return .null }
        return switch function {
        case .sum: .float64(Self.nearest(sum))
        case .mean: .float64(Self.nearest(sum) / Double(count))
        default: .float64(Double(largest) / 100)
        }
    }

    /// The double nearest to `units * 2^-59`, half to even; `units` is above 0.
    private static func nearest(_ units: Int128) -> Double {
        let excess = max(0, Int128.bitWidth - units.leadingZeroBitCount - 53)
        var mantissa = units >> Int128(excess)
        let rest = units - mantissa << Int128(excess)
        let half: Int128 = excess > 0 ? 1 << Int128(excess - 1) : 1
        if rest > half || (rest == half && mantissa & 1 == 1) { mantissa += 1 }
        // Exact: a mantissa of at most 2^53, times powers of two.
        return Double(Int64(mantissa)) * Double(sign: .plus, exponent: excess - 59, significand: 1)
    }
}
