// The few operations on 256-bit integers that sums of squares need.
//
//   | high: 128 | low: 128 |

@usableFromInline
struct UInt256: Equatable, Sendable {
    @usableFromInline var low: UInt128
    @usableFromInline var high: UInt128

    @inlinable
    init(low: UInt128 = 0, high: UInt128 = 0) {
        self.low = low
        self.high = high
    }

    /// The square: (h 2^64 + l)^2 = h^2 2^128 + 2 h l 2^64 + l^2.
    @inlinable
    init(squareOf root: UInt128) {
        let l = UInt128(UInt64(truncatingIfNeeded: root))
        let h = UInt128(UInt64(truncatingIfNeeded: root &>> 64))
        let cross = h &* l
        let (sum, carry) = (l &* l).addingReportingOverflow(cross &<< 65)
        low = sum
        high = h &* h &+ (cross &>> 63) &+ (carry ? 1 : 0)
    }

    var isZero: Bool { low == 0 && high == 0 }
    var bitCount: Int { high == 0 ? 128 - low.leadingZeroBitCount : 256 - high.leadingZeroBitCount }
    var trailingZeroBitCount: Int { low == 0 ? 128 + high.trailingZeroBitCount : low.trailingZeroBitCount }
    var limbs: [UInt64] {
        [low, low >> 64, high, high >> 64].map { UInt64(truncatingIfNeeded: $0) }
    }

    @inlinable
    func addingReportingOverflow(_ other: UInt256) -> (partialValue: UInt256, overflow: Bool) {
        let (low, carry) = self.low.addingReportingOverflow(other.low)
        let (partial, first) = self.high.addingReportingOverflow(other.high)
        let (high, second) = partial.addingReportingOverflow(carry ? 1 : 0)
        return (UInt256(low: low, high: high), first || second)
    }

    static func &- (a: UInt256, b: UInt256) -> UInt256 {
        let (low, borrow) = a.low.subtractingReportingOverflow(b.low)
        return UInt256(low: low, high: a.high &- b.high &- (borrow ? 1 : 0))
    }

    /// `self * factor`; nil beyond 256 bits.
    func multiplied(by factor: UInt64) -> UInt256? {
        guard bitCount + 64 - factor.leadingZeroBitCount <= 256 else { return nil }
        let f = UInt128(factor)
        let mask = UInt128(UInt64.max)
        let p0 = (low & mask) &* f
        let p1 = (low &>> 64) &* f &+ (p0 &>> 64)
        let top = (high & mask) &* f &+ (p1 &>> 64)
        let low = p0 & mask | p1 &<< 64
        return UInt256(low: low, high: top &+ ((high &>> 64) &* f) &<< 64)
    }

    /// Moved up by `places`, or down when they are negative; what leaves is lost.
    func moved(by places: Int) -> UInt256 {
        if places >= 0 {
            let up = UInt128(places)
            return UInt256(
                low: low << up,
                high: places < 128 ? high << up | (low >> 1) >> (127 - up) : low << (up - 128)
            )
        }
        let down = UInt128(-places)
        return UInt256(
            low: down < 128 ? low >> down | (high << 1) << (127 - down) : high >> (down - 128),
            high: high >> down
        )
    }

    /// `self * 2^scale` rounded half to even; nil beyond the doubles.
    func rounded(scale: Int) -> Double? {
        if high == 0 { return RoundingToDouble.nearest(low, isNegative: false, scale: scale) }
        let spare = high.leadingZeroBitCount
        let aligned = moved(by: spare)
        return RoundingToDouble.nearest(
            aligned.high,
            isSticky: aligned.low != 0,
            isNegative: false,
            scale: scale + 128 - spare
        )
    }
}
