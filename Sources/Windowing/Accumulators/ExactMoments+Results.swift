// Variances from exact moments: see `ExactMoments` for the definition that these lines are.

extension ExactMoments {
    /// The correctly rounded sum of the values; nil beyond the doubles.
    public var roundedSum: Double? {
        if let wide { return wide.sum.rounded }
        return ExactSum.round(magnitude: sum.magnitude, isNegative: sum < 0, scale: base - 1075)
    }

    /// `var_pop`. Nil without values (null), and when D lies beyond the doubles (OVERFLOW): ask `count` which.
    public var populationVariance: Double? {
        guard count > 0 else { return nil }
        return variance(divisor: UInt128(count) &* UInt128(count))
    }

    /// `var_samp`. Nil with fewer than two values (null), and when D lies beyond the doubles (OVERFLOW): ask `count`.
    public var sampleVariance: Double? {
        guard count > 1 else { return nil }
        return variance(divisor: UInt128(count) &* UInt128(count - 1))
    }

    /// `stddev_pop`, nil as `populationVariance`.
    public var populationDeviation: Double? { populationVariance?.squareRoot() }

    /// `stddev_samp`, nil as `sampleVariance`.
    public var sampleDeviation: Double? { sampleVariance?.squareRoot() }

    private func variance(divisor: UInt128) -> Double? {
        guard let numerator, let divisor = RoundingToDouble.nearest(divisor, isNegative: false, scale: 0) else {
            return nil
        }
        return numerator / divisor
    }

    /// D = n Σx² - (Σx)², rounded once.
    var numerator: Double? {
        let n = UInt64(bitPattern: count)
        if let wide {
            var exact = WideInteger(magnitude: WideInteger.product(wide.squares.magnitude, [n]) + [0])
            exact.add(
                WideInteger(magnitude: WideInteger.product(wide.sum.units.magnitude, wide.sum.units.magnitude)),
                negated: true
            )
            return exact.rounded(scale: 2 * -1074)
        }
        let scale = 2 * (Int(base) - 1075)
        if let first = squares.multiplied(by: n) {
            return (first &- UInt256(squareOf: sum.magnitude)).rounded(scale: scale)
        }
        var exact = WideInteger(magnitude: WideInteger.product(squares.limbs, [n]) + [0])
        exact.add(WideInteger(magnitude: UInt256(squareOf: sum.magnitude).limbs), negated: true)
        return exact.rounded(scale: scale)
    }
}
