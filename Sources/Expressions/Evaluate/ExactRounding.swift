// Roundings and the remainder of doubles, all exact, and without a call into a libm, which would cost more.
//
// A double of 2^52 and beyond is whole. Below it the way through an int64 is exact and two instructions long. A result
// of -0.0 may come out as +0.0, which no operation of an expression can tell apart.

extension Double {
    @inline(__always) private var isWhole: Bool { !(magnitude < 0x1p52) }

    @inline(__always) private var cut: Double { Double(Int64(self)) }

    @inline(__always) var exactTruncation: Double { isWhole ? self : cut }

    @inline(__always) var exactFloor: Double {
        if isWhole { return self }
        let cut = cut
        return cut > self ? cut - 1 : cut
    }

    @inline(__always) var exactCeiling: Double {
        if isWhole { return self }
        let cut = cut
        return cut < self ? cut + 1 : cut
    }

    /// Half away from zero.
    @inline(__always) var exactRounding: Double {
        if isWhole { return self }
        let cut = cut
        // The difference of a double and its whole part is a double.
        let rest = self - cut
        return rest >= 0.5 ? cut + 1 : rest <= -0.5 ? cut - 1 : cut
    }

    /// Half to even.
    @inline(__always) var exactRoundingToEven: Double {
        if isWhole { return self }
        let whole = Int64(self)
        let rest = self - Double(whole)
        let isOdd = whole & 1 != 0
        if rest > 0.5 || (rest == 0.5 && isOdd) { return Double(whole + 1) }
        if rest < -0.5 || (rest == -0.5 && isOdd) { return Double(whole - 1) }
        return Double(whole)
    }

    /// What is left of `self` after as many whole `divisor`s as fit, with the sign of `self`; the remainder of finite
    /// doubles is always a double. NaN for a divisor of 0 and for what is not finite.
    ///
    /// Long division of the mantissas, eleven binary digits a step.
    func exactRemainder(dividingBy divisor: Double) -> Double {
        guard isFinite, divisor.isFinite, divisor != 0 else { return .nan }
        guard magnitude >= divisor.magnitude else { return self }
        let (dividend, by) = (Mantissa(self), Mantissa(divisor))
        var rest = dividend.digits % by.digits
        var shift = dividend.exponent - by.exponent
        while shift > 0, rest != 0 {
            let step = min(shift, 11)
            rest = (rest << UInt64(step)) % by.digits
            shift -= step
        }
        // `rest` is below the divisor's mantissa and at its exponent: the product is exact, subnormal ones too.
        let value = Double(rest) * Double(sign: .plus, exponent: max(by.exponent, -1074), significand: 1)
        return self < 0 ? -value : value
    }

    /// A magnitude as `digits` times 2 to the power of `exponent`, at most 53 binary digits.
    private struct Mantissa {
        let digits: UInt64
        let exponent: Int

        init(_ value: Double) {
            let isNormal = value.exponentBitPattern != 0
            digits = value.significandBitPattern | (isNormal ? 1 << 52 : 0)
            exponent = Int(isNormal ? value.exponentBitPattern : 1) - 1075
        }
    }
}
