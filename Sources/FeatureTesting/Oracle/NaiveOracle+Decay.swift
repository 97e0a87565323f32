// decayed_sum, decayed_count: an event one half-life before the window's end weighs one half. Exact up to roundings
// that are part of the definition:
//
//   t = k h + r, the end T = K h + R      floor division by the half-life h: 0 <= r, R < h
//   w(r) = the double nearest to 2^(r/h)
//   term = x w(r), one multiplication of doubles; where it would overflow, (x/2) w(r) with k + 1
//   S = Σ term 2^k, exactly
//   result = (S 2^-K rounded to a double) / w(R); OVERFLOW where that lies beyond the doubles before the division

import FeatureModel

extension NaiveOracle {
    /// - Returns: nil is OVERFLOW.
    static func decayed(_ times: [Int64], _ values: [Double], _ query: OracleQuery, _ asOf: Int64) -> Double? {
        let halfLife = given(query.parameters.halfLife)
        var terms: [(term: Double, k: Int128)] = []
        for (time, x) in zip(times, values) {
            let (k, r) = divided(Int128(time), by: halfLife)
            let weight = NaiveWeight.weight(r, halfLife: halfLife)
            if (x * weight).isFinite {
                terms.append((x * weight, k))
            } else {
                terms.append((x / 2 * weight, k + 1))
            }
        }

        // As a whole number of units of 2^(lowest - 1074).
        let lowest = terms.map(\.k).min() ?? 0
        var sum = NaiveInteger()
        for (term, k) in terms { sum = sum + NaiveInteger(unitsOf: term).shiftedLeft(Int(k - lowest)) }

        let (end, rest) = divided(end(query, asOf), by: halfLife)
        // Where every sum that fits into memory is 0 it does not matter how small the unit is.
        let unit = max(lowest - end - 1074, -(1 << 40))
        guard let rounded = sum.double(unit: Int(unit)) else { return nil }
        let result = rounded / NaiveWeight.weight(rest, halfLife: halfLife)
        return result == 0 ? 0 : result
    }

    /// The largest whole quotient not above, and what remains.
    private static func divided(_ time: Int128, by halfLife: Int64) -> (quotient: Int128, rest: Int64) {
        var (quotient, rest) = time.quotientAndRemainder(dividingBy: Int128(halfLife))
        if rest < 0 {
            quotient -= 1
            rest += Int128(halfLife)
        }
        return (quotient, Int64(rest))
    }
}
