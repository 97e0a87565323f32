// From bands to a double.
//
//   bands    ... | v(i): signed 128 bits | v(i+1) | ...           ascending, with gaps
//   digits   ... | d(i): -2^63 ..< 2^63  | d(i+1) | ...           what exceeds a digit carried into the next place
//
// With such digits whatever stands below a place is at most a little more than half of its unit. So the sign is that of
// the highest digit d(t), three places d(t) d(t-1) d(t-2) are at least 2^127 - 2^63 together, and of all below only the
// sign counts. Nothing runs along a gap, as the ones of a two's complement would.

extension DecayedSum {
    /// The sum as of the instant of a weight: round(S * 2^-K) / w(R); nil beyond the doubles.
    public func value(at weight: DecayWeight) -> Double? {
        guard let sum = rounded(downBy: weight.exponent) else { return nil }
        let value = sum / weight.factor
        return value == 0 ? 0 : value
    }

    /// S * 2^-exponent rounded half to even; nil beyond the doubles.
    private func rounded(downBy exponent: Int64) -> Double? {
        var digits = HighestDigits()
        bands.withEntries { bands in
            var carry: Int128 = 0
            for (place, band) in bands.enumerated() {
                carry &+= band.value
                var index = band.index
                let next = place + 1 < bands.count ? bands[place + 1].index : .max
                repeat {
                    let digit = Int64(truncatingIfNeeded: carry)
                    carry = (carry &- Int128(digit)) &>> 64
                    digits.push(digit, at: index)
                    index &+= 1
                } while carry != 0 && index < next
            }
        }
        return digits.rounded(downBy: exponent)
    }
}

/// The four highest digits other than zero: three for the places that count, one for the sign of the rest.
private struct HighestDigits {
    private var digits = InlineArray<4, (digit: Int64, index: Int64)>(repeating: (0, .min))

    mutating func push(_ digit: Int64, at index: Int64) {
        if digit == 0 { return }
        for place in stride(from: 3, to: 0, by: -1) { digits[place] = digits[place - 1] }
        digits[0] = (digit, index)
    }

    func rounded(downBy exponent: Int64) -> Double? {
        let top = digits[0].index
        if digits[0].digit == 0 { return 0 }
        // Indices and exponent >> 6 lie within ± 2^58.
        let distance = top - exponent >> 6
        if distance > 40 { return nil }
        if distance < -40 { return 0 }
        let isNegative = digits[0].digit < 0
        var places: (Int128, Int128, Int128) = (0, 0, 0)
        var rest: Int128 = 0
        for place in 0..<4 where digits[place].digit != 0 {
            let digit = isNegative ? -Int128(digits[place].digit) : Int128(digits[place].digit)
            switch top - digits[place].index {
            case 0: places.0 = digit
            case 1: places.1 = digit
            case 2: places.2 = digit
            default: if rest == 0 { rest = digit }
            }
        }
        var high = UInt128(bitPattern: places.0) << 64 &+ UInt128(bitPattern: places.1)
        var low = UInt128(UInt64(truncatingIfNeeded: places.2)) << 64
        if places.2 < 0 { high &-= 1 }
        if rest < 0, low == 0 { high &-= 1 }
        // Less than one unit of 2^64 is taken away or added: the bits below only say "more than nothing".
        if rest < 0 { low &-= 1 } else if rest > 0 { low |= 1 }
        let scale = 64 * (Int(distance) - 3) - Int(exponent & 63)
        return UInt256(low: low, high: high).rounded(scale: scale).map { isNegative && $0 != 0 ? -$0 : $0 }
    }
}
