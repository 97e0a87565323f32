// Exact count, sum and sum of squares of a column, for variances and standard deviations.
//
//   sum     = sum * 2^(base - 1075)               Int128, as in `ExactSum`
//   squares = squares * 2^(2 (base - 1075))       256 bits without a sign
//
// A term of 126 bits has a square of 252: both fit together, so one base serves both, and it moves by the rules of
// `ExactSum`. An int64 column stands at base 1075, whose unit is 1: n < 2^63 squares of at most 2^126 need 189 bits.
// What 256 bits cannot hold moves to `WideMoments`. The results are functions of the exact n, Σx and Σx² alone:
//
//   D          = n Σx² - (Σx)²                    exact, then rounded once to a double, half to even
//   var_pop    = D / n²          var_samp = D / (n (n - 1))      the divisor exact, rounded; then one division
//   stddev_*   = √var_*                                          one square root
//
// D >= 0 (Cauchy and Schwarz), so no variance is negative, and equal values have exactly the variance 0.

public struct ExactMoments: Sendable {
    @usableFromInline var sum: Int128
    @usableFromInline var squares: UInt256
    @usableFromInline var valueCount: Int64
    @usableFromInline var wide: WideMoments?
    @usableFromInline var base: Int32

    @inlinable
    public init() {
        sum = 0
        squares = UInt256()
        valueCount = 0
        wide = nil
        base = ExactSum.noBase
    }

    /// Bytes outside of the value.
    var heapBytes: Int { wide == nil ? 0 : 3 * WideSum.limbCount * MemoryLayout<UInt64>.stride }

    /// How many values were added.
    @inlinable
    public var count: Int64 { valueCount }

    /// The base of integers: `ExactSum`'s unit is then 1.
    @usableFromInline static let integerBase: Int32 = 1075

    /// Adds a finite double. Infinities and NaN are left out, also of the count: ingest refuses them long before.
    @inlinable
    public mutating func add(_ x: Double) {
        let bits = x.bitPattern
        let field = Int32(truncatingIfNeeded: bits &>> 52) & 0x7ff
        let shift = UInt32(bitPattern: field &- base)
        if shift <= ExactSum.shiftMax {
            let mantissa = UInt128(truncatingIfNeeded: bits & 0x000f_ffff_ffff_ffff | 1 &<< 52)
            let magnitude = mantissa &<< UInt128(truncatingIfNeeded: shift)
            if addQuickly(magnitude, isNegative: Int64(bitPattern: bits) < 0) { return }
        }
        addSlowly(x)
    }

    /// Adds an integer. A column is either integers or doubles; both in one are exact too, but slow.
    @inlinable
    public mutating func add(_ x: Int64) {
        if base == Self.integerBase, addQuickly(UInt128(truncatingIfNeeded: x.magnitude), isNegative: x < 0) { return }
        addSlowly(x)
    }

    @inlinable
    mutating func addQuickly(_ magnitude: UInt128, isNegative: Bool) -> Bool {
        let positive = Int128(truncatingIfNeeded: magnitude)
        let (total, overflow) = sum.addingReportingOverflow(isNegative ? 0 &- positive : positive)
        let (power, powerOverflow) = squares.addingReportingOverflow(UInt256(squareOf: magnitude))
        if overflow || powerOverflow { return false }
        sum = total
        squares = power
        valueCount &+= 1
        return true
    }

    /// Adds another accumulator's values.
    @inlinable
    public mutating func merge(_ other: ExactMoments) {
        if base == other.base, wide == nil, other.wide == nil {
            let (total, overflow) = sum.addingReportingOverflow(other.sum)
            let (power, powerOverflow) = squares.addingReportingOverflow(other.squares)
            if !overflow, !powerOverflow {
                sum = total
                squares = power
                valueCount &+= other.valueCount
                return
            }
        }
        combine(other, negated: false)
    }

    /// Takes away values that were added before, exactly: moments form a group.
    public mutating func subtract(_ other: ExactMoments) { combine(other, negated: true) }

    public func subtracting(_ other: ExactMoments) -> ExactMoments {
        var difference = self
        difference.subtract(other)
        return difference
    }
}
