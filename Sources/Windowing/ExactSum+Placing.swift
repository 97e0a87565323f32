// What an exact sum does when the quick way is closed: it looks for a base where everything fits into 128 bits.
//
//                  top                                   low
//   value:          |.......xxxxxxxxxxxxxxx00000...........|      from the highest set bit to the lowest of both
//   addend:         |xxxxxxxxxx0000........................|
//   bases that do:       top - 126  ...  low
//
// Among these, one that other sums will choose too, so that merging needs no shift: the everyday base first (doubles
// from 2^-31 to 2^42 go into it quickly), then the multiple of 32 that leaves about as much room above as below.

extension ExactSum {
    static let everydayBase: Int32 = 992
    /// No larger: `shiftMax` places above it lies the largest field of a finite number.
    static let baseMax: Int32 = 1973
    /// Bits of a value below its sign, less one for a carry.
    static let width: Int32 = 126

    @usableFromInline
    mutating func addSlowly(_ x: Double) {
        guard x.isFinite, x != 0 else { return }
        let bits = x.bitPattern
        let field = Int32(truncatingIfNeeded: bits &>> 52) & 0x7ff
        let fraction = bits & 0x000f_ffff_ffff_ffff
        let magnitude = field == 0 ? fraction : fraction | 1 << 52
        place(UInt128(magnitude), isNegative: x < 0, base: max(1, field))
    }

    @usableFromInline
    mutating func addSlowly(_ other: ExactSum) {
        if let theirs = other.wide {
            widen()
            wide?.add(theirs)
        } else if value == 0, wide == nil {
            self = other
        } else {
            place(other.value.magnitude, isNegative: other.value < 0, base: other.base)
        }
    }

    /// Adds `± magnitude * 2^(theirs - 1075)`.
    mutating func place(_ magnitude: UInt128, isNegative: Bool, base theirs: Int32) {
        if magnitude == 0 { return }
        if wide == nil {
            let own = value.magnitude
            var low = theirs + Int32(magnitude.trailingZeroBitCount)
            var top = theirs + Int32(128 - magnitude.leadingZeroBitCount)
            if own != 0 {
                low = min(low, base + Int32(own.trailingZeroBitCount))
                top = max(top, base + Int32(128 - own.leadingZeroBitCount))
            }
            // The addend's own base, when it does: the next addend like it will then go the quick way.
            if let chosen = Self.base(low: min(low, theirs), top: top + 1) ?? Self.base(low: low, top: top + 1) {
                let moved = Self.moved(own, by: base - chosen)
                let added = Self.moved(magnitude, by: theirs - chosen)
                value = (value < 0 ? 0 &- moved : moved) &+ (isNegative ? 0 &- added : added)
                base = chosen
                return
            }
        }
        widen()
        wide?.add(magnitude: magnitude, isNegative: isNegative, exponent: theirs - 1075)
    }

    /// A base for bits from place `low` up to, but without, place `top`; nil when 126 bits are too few.
    static func base(low: Int32, top: Int32) -> Int32? {
        let least = max(1, top - width)
        let most = min(low, baseMax)
        if least > most { return nil }
        if least <= everydayBase, everydayBase <= most { return everydayBase }
        let middle = (least + most) / 2
        let round = (middle + 16) / 32 * 32
        return least <= round && round <= most ? round : middle
    }

    /// A magnitude moved to another base, which is known to hold it.
    private static func moved(_ magnitude: UInt128, by places: Int32) -> Int128 {
        Int128(truncatingIfNeeded: places >= 0 ? magnitude << UInt128(places) : magnitude >> UInt128(-places))
    }

    mutating func widen() {
        guard wide == nil else { return }
        var fresh = WideSum()
        if value != 0 { fresh.add(magnitude: value.magnitude, isNegative: value < 0, exponent: base - 1075) }
        wide = fresh
        value = 0
        base = Self.noBase
    }
}
