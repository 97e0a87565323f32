// Weights that double once in a half-life: 2^(t/h) for instants t, as a power of two and a factor.
//
//   t = k h + r, 0 <= r < h (floor division, so negative times are as good)        2^(t/h) = 2^k * w(r)
//   w(r) = the double nearest to 2^(r/h), in 1 ... 2
//
// r/h is formed to 127 bits by one multiplication with a reciprocal of 192 bits: with R = floor((2^192 - 1) / h) and
// r < h <= 2^63, the fraction r R / 2^192 is less than r/h by under 2^63 / 2^192 and the floor's 2^-128.

/// The weight of one instant: `factor * 2^exponent`.
public struct DecayWeight: Sendable {
    public let exponent: Int64
    /// In 1 ... 2.
    public let factor: Double
}

public struct HalfLife: Sendable {
    public let microseconds: Int64
    /// R, least significant limb first.
    private let reciprocal: (UInt64, UInt64, UInt64)

    /// A half-life below one microsecond is taken as one.
    public init(microseconds: Int64) {
        self.microseconds = max(1, microseconds)
        let h = UInt64(self.microseconds)
        // Long division of 192 ones, limb by limb.
        let top = UInt64.max.quotientAndRemainder(dividingBy: h)
        let middle = h.dividingFullWidth((top.remainder, .max))
        let low = h.dividingFullWidth((middle.remainder, .max))
        reciprocal = (low.quotient, middle.quotient, top.quotient)
    }

    /// The weight of an instant in microseconds.
    public func weight(at time: Int64) -> DecayWeight {
        var (k, r) = time.quotientAndRemainder(dividingBy: microseconds)
        if r < 0 {
            r += microseconds
            k -= 1
        }
        return DecayWeight(exponent: k, factor: FixedExp2.rounded(FixedExp2.power(fraction(UInt64(r)))))
    }

    /// r/h in units of 2^-128, for r < h.
    func fraction(_ r: UInt64) -> UInt128 {
        let r = UInt128(r)
        let low = r &* UInt128(reciprocal.0)
        let middle = r &* UInt128(reciprocal.1) &+ low &>> 64
        let high = r &* UInt128(reciprocal.2) &+ middle &>> 64
        return high &<< 64 | middle & UInt128(UInt64.max)
    }
}
