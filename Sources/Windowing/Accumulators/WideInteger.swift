// Two's complement integers of a fixed number of 64-bit limbs, least significant first: the general case behind the
// exact accumulators. Their owners choose a width that cannot run over; a carry out of the top limb is dropped.
//
//   limb 0                      limb n-1
//   | 2^0 ... 2^63 | ...   ... | sign ... |

@usableFromInline
struct WideInteger: Sendable {
    private(set) var limbs: [UInt64]

    init(limbCount: Int) { limbs = [UInt64](repeating: 0, count: limbCount) }

    init(magnitude: [UInt64]) { limbs = magnitude }

    var isNegative: Bool { (limbs.last ?? 0) >> 63 == 1 }

    /// Adds `± magnitude * 2^bit`.
    mutating func add(_ magnitude: UInt128, isNegative: Bool, at bit: Int) {
        let first = bit / 64
        let shift = UInt64(bit % 64)
        let low = UInt64(truncatingIfNeeded: magnitude)
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        // Shifted they need 192 bits. Overshifts are zero, as they should be for `shift == 0`.
        let parts = (low << shift, high << shift | low >> (64 - shift), high >> (64 - shift))
        var carry = step(first, parts.0, false, isNegative)
        carry = step(first + 1, parts.1, carry, isNegative)
        carry = step(first + 2, parts.2, carry, isNegative)
        var index = first + 3
        while carry, index < limbs.count {
            carry = step(index, 0, carry, isNegative)
            index += 1
        }
    }

    /// Adds an integer of the same width.
    mutating func add(_ other: WideInteger, negated: Bool = false) {
        var carry = false
        for index in limbs.indices {
            carry = step(index, index < other.limbs.count ? other.limbs[index] : 0, carry, negated)
        }
    }

    mutating func negate() {
        var carry = true
        for index in limbs.indices {
            let (sum, overflow) = (~limbs[index]).addingReportingOverflow(carry ? 1 : 0)
            limbs[index] = sum
            carry = overflow
        }
    }

    /// Adds or subtracts one limb with carry or borrow; returns the next one.
    private mutating func step(_ index: Int, _ part: UInt64, _ carry: Bool, _ subtracts: Bool) -> Bool {
        guard index < limbs.count else { return false }
        let own = limbs[index]
        let one: UInt64 = carry ? 1 : 0
        let (partial, first) = subtracts ? own.subtractingReportingOverflow(part) : own.addingReportingOverflow(part)
        let (total, second) =
            subtracts ? partial.subtractingReportingOverflow(one) : partial.addingReportingOverflow(one)
        limbs[index] = total
        return first || second
    }

    /// The absolute value's limbs.
    var magnitude: [UInt64] {
        guard isNegative else { return limbs }
        var positive = self
        positive.negate()
        return positive.limbs
    }

    /// The product of two magnitudes, as in school; as many limbs as both have together.
    static func product(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: a.count + b.count)
        for (i, x) in a.enumerated() where x != 0 {
            var carry: UInt64 = 0
            for (j, y) in b.enumerated() {
                // (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1: this cannot run over.
                let total = UInt128(x) * UInt128(y) + UInt128(result[i + j]) + UInt128(carry)
                result[i + j] = UInt64(truncatingIfNeeded: total)
                carry = UInt64(truncatingIfNeeded: total >> 64)
            }
            result[i + b.count] = carry
        }
        return result
    }

    /// `self * 2^scale` rounded once, half to even; nil beyond the doubles.
    func rounded(scale: Int) -> Double? {
        RoundingToDouble.nearest(magnitude, isNegative: isNegative, scale: scale)
    }
}
