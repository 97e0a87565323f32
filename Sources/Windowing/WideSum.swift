// The general case of an exact sum: a two's complement fixed-point number wide enough for every double.
//
//   limb 0                                            limb 33
//   | 2^-1074 ... 2^-1011 | ...                  ... | ... sign |
//
// 34 limbs of 64 bits: 2098 bits for the doubles and 77 for carries, so 2^77 additions cannot overflow it.

@usableFromInline
struct WideSum: Sendable {
    private static let limbCount = 34
    private var limbs = [UInt64](repeating: 0, count: WideSum.limbCount)

    init() {}

    /// Adds `magnitude * 2^exponent`, `exponent >= -1074`.
    mutating func add(magnitude: UInt128, isNegative: Bool, exponent: Int32) {
        let position = Int(exponent) + 1074
        assert(position >= 0)
        let first = position / 64
        let shift = UInt128(position % 64)
        // `magnitude << shift` may need 192 bits: the low 128, then what the shift pushed out.
        let low = magnitude << shift
        let high = shift == 0 ? 0 : UInt64(truncatingIfNeeded: magnitude >> (128 - shift))
        let parts = [UInt64(truncatingIfNeeded: low), UInt64(truncatingIfNeeded: low >> 64), high]
        var carry = false
        for (offset, part) in parts.enumerated() { carry = step(first + offset, part, carry, isNegative) }
        var index = first + parts.count
        while carry, index < Self.limbCount {
            carry = step(index, 0, carry, isNegative)
            index += 1
        }
    }

    mutating func add(_ other: WideSum) {
        var carry = false
        for index in 0..<Self.limbCount { carry = step(index, other.limbs[index], carry, false) }
    }

    /// Adds or subtracts one limb with carry or borrow; returns the next one.
    private mutating func step(_ index: Int, _ part: UInt64, _ carry: Bool, _ subtract: Bool) -> Bool {
        guard index < Self.limbCount else { return false }
        let own = limbs[index]
        let (partial, first) = subtract ? own.subtractingReportingOverflow(part) : own.addingReportingOverflow(part)
        let (total, second) =
            subtract
            ? partial.subtractingReportingOverflow(carry ? 1 : 0) : partial.addingReportingOverflow(carry ? 1 : 0)
        limbs[index] = total
        return first || second
    }

    /// Rounded half to even; nil beyond the doubles.
    var rounded: Double? {
        let isNegative = limbs[Self.limbCount - 1] >> 63 == 1
        var magnitude = limbs
        if isNegative {
            var carry = true
            for index in magnitude.indices {
                let (sum, overflow) = (~magnitude[index]).addingReportingOverflow(carry ? 1 : 0)
                magnitude[index] = sum
                carry = overflow
            }
        }
        guard let topLimb = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
        // The top 128 bits decide the mantissa; what lies below only decides whether a tie is one.
        guard topLimb >= 2 else {
            let low = UInt128(magnitude[1]) << 64 | UInt128(magnitude[0])
            return ExactSum.round(magnitude: low, isNegative: isNegative, scale: -1074)
        }
        var window = UInt128(magnitude[topLimb]) << 64 | UInt128(magnitude[topLimb - 1])
        let sticky = magnitude[..<(topLimb - 1)].contains { $0 != 0 }
        let scale = Int32(64 * (topLimb - 1) - 1074)
        let spare = window.leadingZeroBitCount
        if spare > 0, spare < 64 {
            // Bring bits up from the next limb so that at least 65 significant ones stand above the sticky bit.
            window = window << UInt128(spare) | UInt128(magnitude[topLimb - 2] >> UInt64(64 - spare))
            let below =
                magnitude[topLimb - 2] << UInt64(spare) != 0 || magnitude[..<(topLimb - 2)].contains { $0 != 0 }
            if below { window |= 1 }
            return ExactSum.round(magnitude: window, isNegative: isNegative, scale: scale - Int32(spare))
        }
        if sticky { window |= 1 }
        return ExactSum.round(magnitude: window, isNegative: isNegative, scale: scale)
    }
}
