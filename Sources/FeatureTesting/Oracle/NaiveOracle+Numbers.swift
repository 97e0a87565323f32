// Functions of numbers. Sums are formed in integers of any size and rounded to a double once; nil is OVERFLOW.

import FeatureModel

extension NaiveOracle {
    static func sum(_ values: [FeatureValue]) -> FeatureValue? {
        areDoubles(values)
            ? exactSum(values).doubleOfUnits.map { .float64($0) } : exactSum(values).int64.map { .int64($0) }
    }

    static func mean(_ values: [FeatureValue]) -> FeatureValue? {
        let total = areDoubles(values) ? exactSum(values).doubleOfUnits : exactSum(values).double
        return total.map { .float64($0 / Double(values.count)) }
    }

    /// D / n²
    static func populationVariance(_ values: [FeatureValue]) -> Double? {
        let count = NaiveInteger(Int64(values.count))
        guard let divisor = (count * count).double else { return nil }
        return squaredDeviations(values).map { $0 / divisor }
    }

    /// D / (n (n - 1)), of at least two values.
    static func sampleVariance(_ values: [FeatureValue]) -> Double? {
        let count = NaiveInteger(Int64(values.count))
        guard let divisor = (count * NaiveInteger(Int64(values.count - 1))).double else { return nil }
        return squaredDeviations(values).map { $0 / divisor }
    }

    /// D = n Σx² - (Σx)², rounded once.
    private static func squaredDeviations(_ values: [FeatureValue]) -> Double? {
        var squares = NaiveInteger()
        for value in values { squares = squares + exact(value) * exact(value) }
        let sum = exactSum(values)
        let exact = NaiveInteger(Int64(values.count)) * squares - sum * sum
        // The square of a unit of 2^-1074 is one of 2^-2148.
        return exact.double(unit: areDoubles(values) ? -2148 : 0)
    }

    private static func exactSum(_ values: [FeatureValue]) -> NaiveInteger {
        values.reduce(NaiveInteger()) { $0 + exact($1) }
    }

    /// An integer as it is; a double in units of 2^-1074.
    private static func exact(_ value: FeatureValue) -> NaiveInteger {
        if case .int64(let number) = value { return NaiveInteger(number) }
        return NaiveInteger(unitsOf: double(value))
    }

    /// Values of a column are all of one type.
    private static func areDoubles(_ values: [FeatureValue]) -> Bool {
        if case .float64? = values.first { return true }
        return false
    }

    static func extreme(_ values: [FeatureValue], isMinimum: Bool) -> FeatureValue? {
        var best: FeatureValue?
        for value in values {
            if let current = best {
                if isMinimum ? isLess(value, current) : isLess(current, value) { best = value }
            } else {
                best = value
            }
        }
        return best
    }
}
