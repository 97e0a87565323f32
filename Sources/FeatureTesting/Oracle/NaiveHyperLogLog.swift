// approx_count_distinct, from the formulas of O. Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches", 2017 (arXiv:1702.01284), the improved raw estimator.
//
//   hash:   | p bits: register | q = 64 - p bits |        rank = leading zeros of the q bits + 1, 1 ... q + 1
//   C(k):   how many of the m = 2^p registers hold k; 0 where none came
//
//   estimate = α m² / (m σ(C(0)/m) + Σ C(k) 2^-k + m τ(1 - C(q+1)/m) 2^-q)        k = 1 ... q, α = 1 / (2 ln 2)
//   σ(x) = x + Σ x^(2^k) 2^(k-1)          τ(x) = (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3        k = 1, 2, ...

import FeatureModel
import Glibc

enum NaiveHyperLogLog {
    /// Of at least one value, to the nearest integer.
    static func estimate(of values: [FeatureValue], _ parameters: FunctionParameters) -> Int64 {
        let p = parameters.precision ?? FunctionParameters.precisionDefault
        let multiplicities = multiplicities(values.map { NaiveHash64.hash(NaiveOracle.bytes(of: $0)) }, p)
        return Int64(estimate(multiplicities, p).rounded())
    }

    /// C(0) ... C(q+1).
    private static func multiplicities(_ hashes: [UInt64], _ p: Int) -> [Int] {
        let q = 64 - p
        // Registers that no hash chose are not written down.
        var registers: [UInt64: Int] = [:]
        for hash in hashes {
            let register = hash >> UInt64(q)
            var rank = 1
            while rank <= q, hash >> UInt64(q - rank) & 1 == 0 { rank += 1 }
            registers[register] = max(registers[register] ?? 0, rank)
        }
        var multiplicities = [Int](repeating: 0, count: q + 2)
        for rank in registers.values { multiplicities[rank] += 1 }
        multiplicities[0] = (1 << p) - registers.count
        return multiplicities
    }

    private static func estimate(_ multiplicities: [Int], _ p: Int) -> Double {
        let q = 64 - p
        let m = pow(2, Double(p))
        var divisor = m * sigma(Double(multiplicities[0]) / m)
        for k in 1...q { divisor += Double(multiplicities[k]) * pow(2, Double(-k)) }
        divisor += m * tau(1 - Double(multiplicities[q + 1]) / m) * pow(2, Double(-q))
        return m * m / (2 * log(2)) / divisor
    }

    private static func sigma(_ x: Double) -> Double {
        var sum = x
        // x is 0 or at least 2^-16 away from 1: far fewer terms than 64 are more than nothing.
        for k in 1..<64 { sum += pow(x, pow(2, Double(k))) * pow(2, Double(k - 1)) }
        return sum
    }

    private static func tau(_ x: Double) -> Double {
        guard x > 0 else { return 0 }
        var sum = 1 - x
        for k in 1..<64 {
            let rest = 1 - pow(x, pow(2, Double(-k)))
            sum -= rest * rest * pow(2, Double(-k))
        }
        return sum / 3
    }
}
