import FeatureModel
import Testing

@testable import FeatureTesting

/// The oracle's own arithmetic, against numbers from elsewhere.
@Suite struct NaiveArithmeticTests {
    @Test(
        arguments: [
            ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
            ("xxhash", 0x32dd_3895_2c4b_c720), ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
        ] as [(String, UInt64)]
    )
    func hashes(text: String, expected: UInt64) { #expect(NaiveHash64.hash(Array(text.utf8)) == expected) }

    @Test func aLongHash() { #expect(NaiveHash64.hash(StableHash64Tests.sanityBytes(222)) == 0xb641_ae8c_b691_c174) }

    @Test(arguments: HyperLogLogTests.estimatesByPython)
    func estimates(precision: Int, count: Int, expected: Int64) {
        guard count > 0 else { return }
        let values = (0..<Int64(count)).map { FeatureValue.int64($0) }
        #expect(NaiveHyperLogLog.estimate(of: values, FunctionParameters(precision: precision)) == expected)
    }

    /// 2^(r/h) by Python's `decimal` to 80 places, then the nearest double by `float(Fraction(...))`.
    @Test(
        arguments: [
            (0, 7, 0x3ff0_0000_0000_0000), (1, 2, 0x3ff6_a09e_667f_3bcd), (1, 3, 0x3ff4_28a2_f98d_728b),
            (2, 3, 0x3ff9_65fe_a53d_6e3d), (1, 60_000_000, 0x3ff0_0000_0319_e0e7),
            (59_999_999, 60_000_000, 0x3fff_ffff_f9cc_3e32), (123_456_789, 3_600_000_000, 0x3ff0_6287_c1b9_7482),
            (1, .max, 0x3ff0_0000_0000_0000), (.max - 1, .max, 0x4000_0000_0000_0000),
            (1 << 62, .max, 0x3ff6_a09e_667f_3bcd), (315_575_999_999_999, 315_576_000_000_000, 0x3fff_ffff_ffff_ffec),
            (100_917_737_537_690, 143_802_535_379_781, 0x3ffa_062f_aa94_d527),
            (5_518_607_346_236, 29_191_445_068_117, 0x3ff2_3d7d_0a1d_d2e5),
            (214_461_287_486_047, 219_235_659_422_789, 0x3fff_8545_6841_9c1d),
            (751_066_964_395, 74_445_272_310_630, 0x3ff0_1cbe_7318_8264),
        ] as [(Int64, Int64, UInt64)]
    )
    func weights(r: Int64, halfLife: Int64, expected: UInt64) {
        #expect(NaiveWeight.weight(r, halfLife: halfLife).bitPattern == expected)
    }

    /// |answer - exact| <= accuracy |exact|, without rounding.
    @Test(arguments: TestSeeds.list(40))
    func percentilesAreWithinTheAccuracy(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let accuracy = Double.random(in: FunctionParameters.accuracyRange, using: &random)
            let percentile = Double.random(in: 0...1, using: &random)
            let parameters = FunctionParameters(percentile: percentile, accuracy: accuracy)
            let values = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                FeatureValue.float64(SeededStream.nastyDouble(using: &random))
            }
            let (exact, answer) = NaiveOracle.percentile(values, parameters)
            let error = NaiveInteger(unitsOf: answer) - NaiveInteger(unitsOf: exact)
            let bound = NaiveInteger(unitsOf: accuracy) * NaiveInteger(unitsOf: exact.magnitude)
            // Both in units of 2^-2148.
            let scaled = error.shiftedLeft(1074)
            #expect(!(bound - scaled).isNegative && !(bound + scaled).isNegative, "\(exact) \(answer) \(accuracy)")
        }
    }

    /// floor(q (n - 1)): 0.7 is a little less than seven tenths, and 0.1 a little more than one.
    @Test(arguments: [(0, 0), (1, 10), (0.1, 1), (0.7, 6), (0.3, 2), (0.5, 5), (1.0.nextDown, 9)] as [(Double, Int)])
    func ranks(percentile: Double, expected: Int) {
        let values = (0...10).map { FeatureValue.float64(Double(1 << $0)) }
        let found = NaiveOracle.percentile(values.reversed(), FunctionParameters(percentile: percentile))
        #expect(found.exact == Double(1 << expected))
    }

    @Test(arguments: TestSeeds.list(40))
    func integers(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let a = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
            let b = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
            let (x, y) = (NaiveInteger(a), NaiveInteger(b))
            let product = Int128(a) * Int128(b)
            #expect((x * y).double == Double(product))
            #expect((x * y).int64 == Int64(exactly: product))
            #expect((x - y).double == Double(Int128(a) - Int128(b)))
            let places = Int.random(in: 0..<130, using: &random)
            #expect((x * y).shiftedLeft(places).shiftedRight(places) == x * y)
            #expect((x * x).shiftedRight(places).double == Double((Int128(a) * Int128(a)) >> Int128(places)))
            // Into and through the subnormal numbers: scaling a double of few bits rounds once.
            let few = a >> 11
            let unit = Int.random(in: -1200...1000, using: &random)
            let scaled = Double(sign: .plus, exponent: unit, significand: Double(few))
            let expected = scaled.isFinite ? (scaled == 0 ? 0 : scaled).bitPattern : nil
            #expect(NaiveInteger(few).double(unit: unit)?.bitPattern == expected, "\(few) 2^\(unit)")
        }
    }
}
