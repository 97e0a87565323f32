// Exact, order-free sums of doubles.
//
//   sum = value * 2^(base - 1075)         value: Int128
//
//            base+126          base+73+52          base
//   value:   | room for carries | ... a double's 53 bits ... |
//
// A double with the exponent field f is m * 2^(f - 1075) with |m| < 2^53. While f - base lies in 0 ... 73 an add is one
// shift and one 128-bit addition without any rounding. Outside that range, or when the addition overflows, the value
// moves to a base where all of it fits, and to `WideSum`, a fixed-point number that spans every double, when there is
// none. Rounding happens once, in `rounded`, half to even, so the result is the correctly rounded exact sum (Python's
// `math.fsum`, where that does not raise) whatever the order of additions and whatever the bases on the way.
// Source of the idea: R. M. Neal, "Fast exact summation using small and large superaccumulators", 2015.

/// An exact sum of finite doubles. An accumulator, not a number: sums are added to sums, and taken away from them,
/// without error.
public struct ExactSum: Sendable {
    @usableFromInline var value: Int128
    /// `noBase` until there is a value, and again once the sum is wide: then every addition takes the slow way.
    @usableFromInline var base: Int32
    @usableFromInline var wide: WideSum?

    @inlinable
    public init() {
        value = 0
        base = Self.noBase
        wide = nil
    }

    /// Above every exponent field, so that no field lies in its range.
    @usableFromInline static let noBase: Int32 = 1 << 20
    @usableFromInline static let shiftMax: UInt32 = 73

    /// Adds a finite double. Infinities and NaN are left out: ingest refuses them long before.
    @inlinable
    public mutating func add(_ x: Double) {
        let bits = x.bitPattern
        let field = Int32(truncatingIfNeeded: bits &>> 52) & 0x7ff
        let shift = UInt32(bitPattern: field &- base)
        // A base is at least 1 and at most 1973: neither a subnormal nor a non-finite number gets in here.
        if shift <= Self.shiftMax {
            let mantissa = Int64(bitPattern: bits & 0x000f_ffff_ffff_ffff | 1 &<< 52)
            let sign = Int64(bitPattern: bits) &>> 63
            let term = Int128(truncatingIfNeeded: (mantissa ^ sign) &- sign) &<< Int128(truncatingIfNeeded: shift)
            let (sum, overflow) = value.addingReportingOverflow(term)
            if !overflow {
                value = sum
                return
            }
        }
        addSlowly(x)
    }

    /// Adds another exact sum, exactly.
    @inlinable
    public mutating func add(_ other: ExactSum) {
        if base == other.base, wide == nil, other.wide == nil {
            let (sum, overflow) = value.addingReportingOverflow(other.value)
            if !overflow {
                value = sum
                return
            }
        }
        addSlowly(other)
    }

    /// Takes another exact sum away, exactly: exact sums form a group.
    public mutating func subtract(_ other: ExactSum) {
        if let theirs = other.wide {
            widen()
            wide?.subtract(theirs)
        } else {
            place(other.value.magnitude, isNegative: other.value > 0, base: other.base)
        }
    }

    public func subtracting(_ other: ExactSum) -> ExactSum {
        var difference = self
        difference.subtract(other)
        return difference
    }

    /// Bytes outside of the value.
    var heapBytes: Int { wide == nil ? 0 : WideSum.limbCount * MemoryLayout<UInt64>.stride }

    /// The exact sum rounded once, half to even; nil when it lies beyond the doubles. A zero sum is +0.0.
    public var rounded: Double? {
        if let wide { return wide.rounded }
        return Self.round(magnitude: value.magnitude, isNegative: value < 0, scale: base &- 1075)
    }

    /// `magnitude * 2^scale` rounded half to even; nil beyond the doubles.
    static func round(magnitude: UInt128, isNegative: Bool, scale: Int32) -> Double? {
        RoundingToDouble.nearest(magnitude, isNegative: isNegative, scale: Int(scale))
    }
}
