// Exponentially decayed sums, exact up to two roundings that are part of the definition.
//
// Definition, of the sum at T of values x at times t with the half-life h (all in microseconds):
//
//   t = k h + r, T = K h + R        floor division: 0 <= r, R < h
//   w(r)                            the double nearest to 2^(r/h)                                       (`FixedExp2`)
//   term = x * w(r)                 one IEEE multiplication; where it would overflow, with twice the exponent range:
//                                   (x/2) * w(r) and k + 1, which is the same number
//   S = Σ term * 2^k                exact
//   result = round(S * 2^-K) / w(R) one rounding to a double, half to even, then one IEEE division
//
// It is nil when round(...) lies beyond the doubles, and +0.0 for every zero. A decayed count is the sum of x = 1.
//
// S spans any range of exponents, so it stands in bands of 64 bits, of which only those in use are kept:
//
//   band i:   a signed 128-bit number of units of 2^(64 i)        a term adds to two neighbouring bands
//
// One addition changes a band by less than 2^64, so 2^63 of them fit without a carry, and adding sums is adding bands.
// The bands of equal sums may differ; `value` carries before it looks, so its bits do not.

public struct DecayedSum: Sendable {
    struct Band: SortedEntry {
        var index: Int64
        var low: UInt64
        var high: Int64

        var key: Int64 { index }
        static var filler: Band { Band(index: 0, low: 0, high: 0) }
        var value: Int128 { Int128(high) << 64 | Int128(low) }

        mutating func absorb(_ other: Band) {
            let (sum, carry) = low.addingReportingOverflow(other.low)
            low = sum
            high = high &+ other.high &+ (carry ? 1 : 0)
        }
    }

    private(set) var bands = SortedEntries<3, Band>()

    public init() {}

    /// Adds a finite value at the instant of a weight. Infinities and NaN are left out: ingest refuses them.
    public mutating func add(_ x: Double, _ weight: DecayWeight) {
        guard x.isFinite, x != 0 else { return }
        let term = x * weight.factor
        if term.isFinite {
            addTerm(term, weight.exponent, doubled: 0)
        } else {
            addTerm(x * 0.5 * weight.factor, weight.exponent, doubled: 1)
        }
    }

    /// Adds `term * 2^(exponent + doubled)`.
    private mutating func addTerm(_ term: Double, _ exponent: Int64, doubled: Int64) {
        let bits = term.bitPattern
        let field = Int64(bits &>> 52 & 0x7ff)
        let fraction = bits & 0x000f_ffff_ffff_ffff
        let mantissa = UInt128(field == 0 ? fraction : fraction | 1 << 52)
        // Split before adding: the exponent itself may stand at the end of Int64.
        let place = exponent & 63 &+ max(1, field) &- 1075 &+ doubled
        let index = exponent &>> 6 &+ place &>> 6
        let parts = mantissa &<< UInt128(truncatingIfNeeded: place & 63)
        put(UInt64(truncatingIfNeeded: parts), isNegative: term < 0, index)
        put(UInt64(truncatingIfNeeded: parts &>> 64), isNegative: term < 0, index &+ 1)
    }

    private mutating func put(_ part: UInt64, isNegative: Bool, _ index: Int64) {
        if part == 0 { return }
        bands.insert(
            isNegative ? Band(index: index, low: 0 &- part, high: -1) : Band(index: index, low: part, high: 0)
        )
    }

    /// Adds a band of another sum with the same half-life.
    mutating func take(_ band: Band) { bands.insert(band) }

    /// Adds all terms of another sum with the same half-life.
    public mutating func merge(_ other: DecayedSum) { bands.merge(other.bands) }
}
