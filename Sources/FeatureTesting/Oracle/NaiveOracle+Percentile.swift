// approx_percentile: the value v at rank floor(q (n - 1)), counted from 0, or a number near it:
// |answer - v| <= accuracy |v|. Which of them it is, is part of the definition too: the middle of v's bucket.
//
//   |v| = 2^e (1 + f)     2^e |----|-v--|----| ... |----| 2^(e+1)       2^k buckets of one width between powers of two
//                                 ^ answer
//
//   k = the least with 2^-(k+1) <= accuracy: half a bucket is then within the accuracy of even the least number, 2^e

import FeatureModel

extension NaiveOracle {
    /// The value at the percentile's rank, and the answer for it.
    static func percentile(_ values: [FeatureValue], _ parameters: FunctionParameters) -> (
        exact: Double, answer: Double
    ) {
        let sorted = values.map(double).sorted()
        let exact = sorted[rank(given(parameters.percentile), of: sorted.count)]
        return (exact, middle(of: exact, parameters.accuracy ?? FunctionParameters.accuracyDefault))
    }

    /// floor(q (n - 1)). In units of 2^-1074 every q is a whole number.
    private static func rank(_ q: Double, of count: Int) -> Int {
        let units = NaiveInteger(unitsOf: q) * NaiveInteger(Int64(count - 1))
        return Int(given(units.shiftedRight(1074).int64))
    }

    /// The middle of the bucket that holds a value. Every step is exact: it multiplies and divides by powers of two.
    private static func middle(of value: Double, _ accuracy: Double) -> Double {
        guard value != 0 else { return 0 }
        var k = 0
        while powerOfTwo(-(k + 1)) > accuracy { k += 1 }
        // The true exponent, also of subnormal numbers.
        let exponent = Int(value.exponent)
        // Numbers stand 2^-1074 apart: such a bucket holds only one.
        if exponent - k <= -1074 { return value }
        let width = powerOfTwo(exponent - k)
        let middle = (value.magnitude / width).rounded(.down) * width + width / 2
        return value < 0 ? -middle : middle
    }

    private static func powerOfTwo(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }
}
