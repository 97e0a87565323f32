// The general case of an exact sum: a two's complement fixed-point number wide enough for every double.
//
//   limb 0                                            limb 33
//   | 2^-1074 ... 2^-1011 | ...                  ... | ... sign |
//
// 34 limbs of 64 bits: 2098 bits for the doubles and 77 for carries, so 2^77 additions cannot overflow it.

@usableFromInline
struct WideSum: Sendable {
    static let limbCount = 34
    /// In units of 2^-1074.
    private(set) var units = WideInteger(limbCount: WideSum.limbCount)

    init() {}

    init(units: WideInteger) { self.units = units }

    /// Adds `magnitude * 2^exponent`, `exponent >= -1074`.
    mutating func add(magnitude: UInt128, isNegative: Bool, exponent: Int32) {
        units.add(magnitude, isNegative: isNegative, at: Int(exponent) + 1074)
    }

    mutating func add(_ other: WideSum) { units.add(other.units) }

    mutating func subtract(_ other: WideSum) { units.add(other.units, negated: true) }

    /// Rounded half to even; nil beyond the doubles.
    var rounded: Double? { units.rounded(scale: -1074) }
}
