// The one rounding of an exact result: a big binary number to the nearest double, ties to even (IEEE 754, 4.3.1).
//
//   magnitude, moved up:   | 53 bits: mantissa | 75 bits: rest |  sticky
//                            1...                 1/2 = 100..0    whether any bit was set further down

enum RoundingToDouble {
    /// `(magnitude + s) * 2^scale` rounded half to even, with `0 < s < 1` when `isSticky` and `s = 0` otherwise; nil
    /// beyond the doubles. Zero, and what rounds to zero, is +0.0.
    ///
    /// A sticky magnitude needs 65 significant bits or more: then what was cut off only decides whether a tie is one.
    static func nearest(_ magnitude: UInt128, isSticky: Bool = false, isNegative: Bool, scale: Int) -> Double? {
        if magnitude == 0 { return 0 }
        let spare = magnitude.leadingZeroBitCount
        assert(!isSticky || spare <= 63)
        let aligned = magnitude &<< UInt128(truncatingIfNeeded: spare)
        let exponent = 127 - spare + scale
        if exponent > 1023 { return nil }
        // The unit of the mantissa's last place, counted in places above 2^-1074.
        var place = exponent - 52 + 1074
        var dropped = 75
        if place < 0 {
            dropped -= place
            place = 0
            if dropped > 128 { return 0 }
        }
        // A shift by 128 would be one by 0.
        var mantissa = dropped == 128 ? 0 : UInt64(truncatingIfNeeded: aligned &>> UInt128(truncatingIfNeeded: dropped))
        let half: UInt128 = 1 &<< UInt128(truncatingIfNeeded: dropped - 1)
        let rest = dropped == 128 ? aligned : aligned & ((half &<< 1) &- 1)
        if rest > half || (rest == half && (isSticky || mantissa & 1 == 1)) { mantissa += 1 }
        // The mantissa's implicit bit, and a carry out of it, move into the exponent by plain addition.
        let bits = UInt64(truncatingIfNeeded: place) &<< 52 &+ mantissa
        if bits >= 0x7ff0_0000_0000_0000 { return nil }
        if bits == 0 { return 0 }
        return Double(bitPattern: isNegative ? bits | 1 << 63 : bits)
    }

    /// The same for a magnitude in limbs, least significant first.
    static func nearest(_ magnitude: some RandomAccessCollection<UInt64>, isNegative: Bool, scale: Int) -> Double? {
        let limbs = Array(magnitude)
        guard let top = limbs.lastIndex(where: { $0 != 0 }) else { return 0 }
        func limb(_ index: Int) -> UInt64 { index >= 0 ? limbs[index] : 0 }
        // 128 bits from the top one down: three limbs hold them.
        let spare = UInt64(limbs[top].leadingZeroBitCount)
        var window = UInt128(limbs[top]) << 64 | UInt128(limb(top - 1))
        var isSticky = limb(top - 2) << spare != 0
        if spare > 0 { window = window << UInt128(spare) | UInt128(limb(top - 2) >> (64 - spare)) }
        if !isSticky, top > 2 { isSticky = limbs[..<(top - 2)].contains { $0 != 0 } }
        return nearest(window, isSticky: isSticky, isNegative: isNegative, scale: scale + 64 * (top - 1) - Int(spare))
    }
}
