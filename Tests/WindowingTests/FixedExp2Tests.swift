import FeatureTesting
import Testing

@testable import Windowing

@Suite struct FixedExp2Tests {
    @Test func agreesWithMpmath() throws {
        let lines = accumulatorFixture("exp2")
        #expect(lines.count > 250)
        var worst: UInt128 = 0
        for line in lines {
            let h = try #require(Int64(line[0]))
            let r = try #require(Int64(line[1]))
            let life = HalfLife(microseconds: h)
            let exact = try #require(UInt128(line[2], radix: 16))
            let power = FixedExp2.power(life.fraction(UInt64(r)))
            let error = power > exact ? power - exact : exact - power
            worst = max(worst, error)
            let weight = life.weight(at: r)
            #expect(weight.factor.bitPattern == UInt64(line[3], radix: 16), "2^(\(r)/\(h))")
            #expect(weight.exponent == 0)
        }
        // Units of 2^-127: within the bound that FixedExp2 derives.
        #expect(worst < 1 << 7)
    }

    @Test func tablesAscend() {
        #expect(FixedExp2.tables.count == 256 && FixedExp2.tables[0] == FixedExp2.one)
        for table in 0..<4 {
            let entries = FixedExp2.tables[(64 * table)..<(64 * table + 64)]
            #expect(zip(entries, entries.dropFirst()).allSatisfy { $0 < $1 })
        }
        // 2^(1/2), by mpmath.
        #expect(FixedExp2.tables[32] == 0xb504_f333_f9de_6484_597d_89b3_754a_be9f)
    }

    @Test(arguments: TestSeeds.list(50))
    func timesSplitByFloorDivision(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<100 {
            let h = Int64.random(in: 1...(.max), using: &random) >> Int64.random(in: 0..<63, using: &random) | 1
            let life = HalfLife(microseconds: h)
            let r = Int64.random(in: 0..<h, using: &random)
            // At most r/h, by less than three units of 2^-128: 0 <= r 2^128 - h * fraction <= 3 h.
            let product = life.fraction(UInt64(r)).multipliedFullWidth(by: UInt128(h))
            let isExact = product.high == r && product.low == 0
            let isNear = product.high + 1 == r && 0 &- product.low <= 3 * UInt128(h)
            #expect(isExact || isNear, "\(r)/\(h), \(TestSeeds.hint(seed))")
            // The same rest gives the same factor in every period, before and after 1970.
            let k = Int64.random(in: -1000...1000, using: &random)
            let (time, overflow) = k.multipliedReportingOverflow(by: h)
            let (shifted, second) = time.addingReportingOverflow(r)
            if overflow || second { continue }
            #expect(life.weight(at: shifted).factor == life.weight(at: r).factor, "\(TestSeeds.hint(seed))")
            #expect(life.weight(at: shifted).exponent == k)
        }
    }

    @Test func theEnds() {
        let life = HalfLife(microseconds: 0)
        #expect(life.microseconds == 1 && HalfLife(microseconds: .min).microseconds == 1)
        for time in [Int64.min, -1, 0, .max] {
            #expect(life.weight(at: time).exponent == time && life.weight(at: time).factor == 1)
        }
        let longest = HalfLife(microseconds: .max)
        #expect(longest.weight(at: .max).exponent == 1 && longest.weight(at: .max).factor == 1)
        #expect(longest.weight(at: .max - 1).factor == 2, "the nearest double to 2 (1 - 2^-63)")
        #expect(longest.weight(at: .min).exponent == -2 && longest.weight(at: -1).exponent == -1)
        #expect(HalfLife(microseconds: 2).weight(at: -3).factor == 2.0.squareRoot())
    }
}
