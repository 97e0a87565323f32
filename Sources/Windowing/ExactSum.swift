// Exact, order-free sums of doubles.
//
//   sum = value * 2^scale          value: Int128, scale fixed by the first addend, 40 bits below it
//
// A double is m * 2^e with |m| < 2^53. While e - scale lies in 0 ... 70 an add is one shift and one 128-bit addition
// without any rounding; decimal amounts of everyday size never leave that range. Outside it the sum moves to `WideSum`,
// a fixed-point number that spans every double. Rounding happens once, in `rounded`, half to even, so the result is the
// correctly rounded exact sum (Python's `math.fsum`, where that does not raise) whatever the order of the additions.
// Source of the idea: R. M. Neal, "Fast exact summation using small and large superaccumulators", 2015.

/// An exact sum of finite doubles. An accumulator, not a number: sums can be added to sums without error.
public struct ExactSum: Sendable {
    @usableFromInline var value: Int128
    @usableFromInline var scale: Int32
    @usableFromInline var isFresh: Bool
    @usableFromInline var wide: WideSum?

    @inlinable
    public init() {
        value = 0
        scale = 0
        isFresh = true
        wide = nil
    }

    @usableFromInline static let headroomBits: Int32 = 40
    @usableFromInline static let shiftMax: Int32 = 70

    /// Adds a finite double. Infinities and NaN never get this far: ingest refuses them.
    @inlinable
    public mutating func add(_ x: Double) {
        let bits = x.bitPattern
        let field = Int32(truncatingIfNeeded: (bits >> 52) & 0x7ff)
        assert(field != 0x7ff, "only finite values may be summed")
        let fraction = Int64(bitPattern: bits & 0x000f_ffff_ffff_ffff)
        let magnitude = field == 0 ? fraction : fraction | (1 << 52)
        if magnitude == 0 { return }
        let exponent = (field == 0 ? 1 : field) &- 1075
        let shift = exponent &- scale
        if wide == nil, !isFresh, shift >= 0, shift <= Self.shiftMax {
            let term = Int128(truncatingIfNeeded: (bits >> 63) == 0 ? magnitude : 0 &- magnitude) << Int128(truncatingIfNeeded: shift)
            let (sum, overflow) = value.addingReportingOverflow(term)
            if !overflow {
                value = sum
                return
            }
        }
        addSlowly(magnitude: UInt64(magnitude), isNegative: (bits >> 63) != 0, exponent: exponent)
    }

    /// Adds another exact sum, exactly.
    public mutating func add(_ other: ExactSum) {
        if let theirs = other.wide {
            widen()
            wide?.add(theirs)
            return
        }
        guard !other.isFresh, other.value != 0 else { return }
        if wide == nil, !isFresh, other.scale == scale {
            let (sum, overflow) = value.addingReportingOverflow(other.value)
            if !overflow {
                value = sum
                return
            }
        }
        if wide == nil, isFresh {
            self = other
            return
        }
        widen()
        wide?.add(magnitude: other.value.magnitude, isNegative: other.value < 0, exponent: other.scale)
    }

    /// The exact sum rounded once, half to even; nil when it lies beyond the doubles. A zero sum is +0.0.
    public var rounded: Double? {
        if let wide { return wide.rounded }
        return Self.round(magnitude: value.magnitude, isNegative: value < 0, scale: scale)
    }

    /// `value * 2^scale` rounded half to even; nil beyond the doubles. Needs `scale >= -1074`.
    static func round(magnitude: UInt128, isNegative: Bool, scale: Int32) -> Double? {
        if magnitude == 0 { return 0 }
        assert(scale >= -1074)
        let top = Int32(127 - magnitude.leadingZeroBitCount)
        // In units of 2^-1074 the number's top bit stands at `top + scale + 1074`.
        let exponentField = top + scale + 1074 - 52
        var bits: UInt64
        if exponentField <= 0 {
            bits = UInt64(truncatingIfNeeded: magnitude) << UInt64(scale + 1074)
        } else {
            let drop = top - 52
            var mantissa: UInt64
            if drop <= 0 {
                mantissa = UInt64(truncatingIfNeeded: magnitude) << UInt64(-drop)
            } else {
                mantissa = UInt64(truncatingIfNeeded: magnitude >> UInt128(drop))
                let rest = magnitude & ((1 << UInt128(drop)) - 1)
                let half: UInt128 = 1 << UInt128(drop - 1)
                if rest > half || (rest == half && mantissa & 1 == 1) { mantissa += 1 }
            }
            // The mantissa's implicit bit, and a carry out of it, move into the exponent by plain addition.
            bits = UInt64(exponentField) << 52 + mantissa
            if exponentField > 2046 || bits >= 0x7ff0_0000_0000_0000 { return nil }
        }
        if isNegative { bits |= 1 << 63 }
        return Double(bitPattern: bits)
    }

    @usableFromInline
    mutating func addSlowly(magnitude: UInt64, isNegative: Bool, exponent: Int32) {
        if wide == nil, isFresh {
            isFresh = false
            scale = max(-1074, exponent - Self.headroomBits)
            let shifted = Int128(magnitude) << Int128(exponent - scale)
            value = isNegative ? -shifted : shifted
            return
        }
        widen()
        wide?.add(magnitude: UInt128(magnitude), isNegative: isNegative, exponent: exponent)
    }

    private mutating func widen() {
        guard wide == nil else { return }
        var fresh = WideSum()
        if value != 0 { fresh.add(magnitude: value.magnitude, isNegative: value < 0, exponent: scale) }
        wide = fresh
        isFresh = false
    }
}
