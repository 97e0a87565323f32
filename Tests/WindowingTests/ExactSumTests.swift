import FeatureTesting
import Testing

@testable import Windowing

@Suite struct ExactSumTests {
    static func sum(_ values: [Double]) -> ExactSum {
        var sum = ExactSum()
        for value in values { sum.add(value) }
        return sum
    }

    static func oracle(_ values: [Double]) -> Double? {
        values.reduce(NaiveInteger()) { $0 + NaiveInteger(unitsOf: $1) }.doubleOfUnits
    }

    static let tiny = Double.leastNonzeroMagnitude
    /// The largest subnormal.
    static let almostNormal = Double.leastNormalMagnitude.nextDown
    static let huge = Double.greatestFiniteMagnitude

    /// Expected values worked out by hand, not by the oracle: they hold both to account.
    static let sumsByHand: [([Double], Double?)] = [
        ([], 0), ([0], 0), ([-0.0], 0), ([-0.0, -0.0], 0), ([1, -1], 0),
        ([0.1, 0.2], 0.30000000000000004), ([0.1, 0.2, 0.3], 0.6), ([0.1, 0.2, 0.3, -0.6], 2.7755575615628914e-17),
        (Array(repeating: 0.1, count: 10), 1),
        ([1e100, 1, -1e100], 1), ([1, 1e100, 1, -1e100], 2),
        ([huge, huge, -huge], huge), ([-huge, -huge, huge], -huge), ([huge, huge, -huge, -huge], 0),
        ([huge, huge], nil), ([-huge, -huge], nil), ([1e308, 1e308, 1e308, -1e308, -1e308], 1e308),
        // Half of the last place above the largest double rounds up, out of the doubles; anything less does not.
        ([huge, 0x1p970], nil), ([huge, 0x1p970, -tiny], huge), ([-huge, -0x1p970], nil),
        ([-huge, -0x1p970, tiny], -huge),
        ([tiny], tiny), ([tiny, tiny], 2 * tiny), ([tiny, -tiny], 0), ([1, tiny], 1), ([1, tiny, -1], tiny),
        // Ties to even, and a sticky bit 1127 places further down that breaks one.
        ([0x1p53, 1], 0x1p53), ([0x1p53, 1, tiny], 0x1p53 + 2), ([0x1p53, 1, -tiny], 0x1p53),
        ([0x1p53 + 2, 1], 0x1p53 + 4),
        ([0x1p53 + 2, 1, -tiny], 0x1p53 + 2), ([-0x1p53, -1, -tiny], -0x1p53 - 2),
        ([0x1p1000, 0x1p947, tiny], 0x1p1000 + 0x1p948), ([0x1p1000, 0x1p947, -tiny], 0x1p1000),
        // Across the border of the subnormals.
        ([0x1p-1022, -tiny], almostNormal), ([almostNormal, tiny], 0x1p-1022),
        ([0x1.fffffffffffffp-1022, 0x1p-1022], 0x1.8p-1021),
    ]

    @Test(arguments: sumsByHand)
    func knownSums(values: [Double], expected: Double?) {
        #expect(Self.sum(values).rounded?.bitPattern == expected?.bitPattern)
        #expect(Self.oracle(values)?.bitPattern == expected?.bitPattern)
        #expect(Self.sum(values.reversed()).rounded?.bitPattern == expected?.bitPattern)
    }

    @Test(arguments: TestSeeds.list(300))
    func nastySumsInAnyOrderAndGrouping(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var values = (0..<Int.random(in: 1...60, using: &random)).map { _ in SeededStream.nastyDouble(using: &random) }
        // Half of the cases cancel almost wholly.
        if random.oneIn(2) { values += values.dropLast().map { -$0 } }
        if random.oneIn(3) { values = values.filter { $0.magnitude < 1e-290 } }
        let expected = Self.oracle(values)?.bitPattern
        for _ in 0..<4 {
            #expect(Self.sum(values).rounded?.bitPattern == expected, "\(TestSeeds.hint(seed)): \(values)")
            // In parts, merged: narrow with narrow, narrow with wide, and with the empty sum.
            var merged = ExactSum()
            var rest = values[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(7, rest.count), using: &random)
                merged.add(Self.sum(Array(rest.prefix(count))))
                rest = rest.dropFirst(count)
            }
            #expect(merged.rounded?.bitPattern == expected, "merged, \(TestSeeds.hint(seed)): \(values)")
            values.shuffle(using: &random)
        }
    }

    @Test func merging() {
        for (a, b) in [
            ([], []), ([1.5], []), ([], [1.5]), ([1e300, 1], [-1e300]), ([1], [1e-300, 1e300]), ([-0.0], [2]),
        ] as [([Double], [Double])] {
            var sum = Self.sum(a)
            sum.add(Self.sum(b))
            #expect(sum.rounded?.bitPattern == Self.oracle(a + b)?.bitPattern)
            // The result is a sum like any other: it goes on.
            sum.add(3)
            #expect(sum.rounded?.bitPattern == Self.oracle(a + b + [3])?.bitPattern)
        }
    }

    @Test func manyAdditions() {
        var random = SplitMix64(seed: 7)
        let everyday = (0..<100_000).map { _ in Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100 }
        #expect(
            Self.sum(everyday).wide == nil && Self.sum(everyday).base == ExactSum.everydayBase,
            "everyday amounts stay on the fast path"
        )
        #expect(Self.sum(everyday).rounded?.bitPattern == Self.oracle(everyday)?.bitPattern)
        #expect(Self.sum(everyday.shuffled(using: &random)).rounded?.bitPattern == Self.oracle(everyday)?.bitPattern)
        // Near the edge of the fast path: shifts around 70 and the 128-bit overflow.
        for exponent in [28, 29, 30, 31, 32, 69, 70, 71] {
            let large = Double(sign: .plus, exponent: exponent, significand: 1.999999)
            let values = [1.25] + Array(repeating: large, count: 40_000) + [-0.75]
            #expect(Self.sum(values).rounded?.bitPattern == Self.oracle(values)?.bitPattern, "2^\(exponent)")
        }
    }

    @Test func aBadFirstBaseIsLeftAsLongAsAllFits() {
        let narrow: [[Double]] = [
            [1e-5, 1e9], [1e9, 1e-5], [0x1p-30, 0x1p40], [1.0] + Array(repeating: 0x1.fffffffffffffp30, count: 64),
            // 126 bits from the lowest to the highest, in either order; what cancels makes room again.
            [0x1p73, 0x1p-51], [1e300, -1e300, 1e300], [0x1p1022, 0x1p930, -0x1p1022], [Self.tiny, Self.almostNormal],
            [0x1p-1022, -Self.tiny],
            [0x1p-500, 0x1p-400], Array(repeating: 0x1.5p41, count: 1000) + [0.01],
        ]
        for values in narrow {
            for order in [values, values.reversed()] {
                let sum = Self.sum(order)
                #expect(sum.wide == nil, "\(order)")
                #expect(sum.rounded?.bitPattern == Self.oracle(order)?.bitPattern, "\(order)")
            }
        }
        #expect(Self.sum([1e300, -1e300, 1e-300]).wide == nil, "what has cancelled leaves room")
        for values in [[1, 1e-300], [1e-300, 1], [Self.huge, 1], [0x1p100, 0x1p-100], [Self.tiny, 0x1p-900]] {
            let sum = Self.sum(values)
            #expect(sum.wide != nil, "no 126 bits hold \(values)")
            #expect(sum.rounded?.bitPattern == Self.oracle(values)?.bitPattern)
        }
    }

    @Test func everydayTilesMergeAtOneBase() {
        var random = SplitMix64(seed: 11)
        let sums = (0..<500).map { _ in
            Self.sum((0..<3).map { _ in Double(Int64.random(in: 1...100_000_000, using: &random)) / 100 })
        }
        #expect(sums.allSatisfy { $0.base == ExactSum.everydayBase })
    }

    /// Sums in a range of magnitudes that 128 bits hold or nearly hold: bases move all the time.
    @Test(arguments: TestSeeds.list(300))
    func basesMoveAndBitsDoNot(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let center = Int.random(in: -1000...950, using: &random)
        let spread = Int.random(in: 0...75, using: &random)
        let bits = UInt64.random(in: 0...52, using: &random)
        let values = (0..<Int.random(in: 1...80, using: &random)).map { _ in
            let coarse = (UInt64.random(in: 0..<(1 << 52), using: &random) >> bits) << bits
            let exponent = center + Int.random(in: 0...spread, using: &random)
            let value = Double(sign: .plus, exponent: exponent, significand: Double(bitPattern: 0x3ff << 52 | coarse))
            return random.oneIn(2) ? value : -value
        }
        let expected = Self.oracle(values)?.bitPattern
        for _ in 0..<3 {
            #expect(
                Self.sum(values.shuffled(using: &random)).rounded?.bitPattern == expected,
                "\(TestSeeds.hint(seed))"
            )
            let cut = Int.random(in: 0...values.count, using: &random)
            var merged = Self.sum(Array(values[cut...]))
            merged.add(Self.sum(Array(values[..<cut])))
            #expect(merged.rounded?.bitPattern == expected, "merged, \(TestSeeds.hint(seed))")
        }
    }

    @Test(arguments: TestSeeds.list(200))
    func subtractionUndoesAddition(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func some() -> [Double] {
            (0..<Int.random(in: 0...9, using: &random)).map { _ in
                random.oneIn(4)
                    ? SeededStream.nastyDouble(using: &random)
                    : Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100
            }
        }
        let (kept, removed) = (some(), some())
        let difference = Self.sum((kept + removed).shuffled(using: &random)).subtracting(Self.sum(removed))
        #expect(difference.rounded?.bitPattern == Self.oracle(kept)?.bitPattern, "\(TestSeeds.hint(seed))")
        #expect(Self.sum(kept).subtracting(Self.sum(kept)).rounded?.bitPattern == 0)
    }

    @Test func whatIsNotFiniteIsLeftOut() {
        #expect(Self.sum([.infinity, 1, .nan, -.infinity]).rounded == 1)
        #expect(Self.sum([0x1.fp1023, -.infinity]).rounded == 0x1.fp1023)
    }

    @Test(
        arguments: [
            (0, 0), (1, 1), (-1, -1), (Int64.max, 0x1p63), (Int64.min, -0x1p63), (9_007_199_254_740_993, 0x1p53),
            (9_007_199_254_740_995, 0x1p53 + 4), (-9_007_199_254_740_993, -0x1p53),
        ] as [(Int64, Double)]
    )
    func integersRoundToTheNearestDouble(value: Int64, expected: Double) {
        #expect(ExactSum.round(magnitude: UInt128(value.magnitude), isNegative: value < 0, scale: 0) == expected)
        #expect(NaiveInteger(value).double == expected)
        #expect(NaiveInteger(value).int64 == value)
    }
}
