import FeatureTesting
import Testing

@testable import Windowing

@Suite struct ExactMomentsTests {
    static func moments(_ values: [Double]) -> ExactMoments {
        var moments = ExactMoments()
        for value in values { moments.add(value) }
        return moments
    }

    static func moments(_ values: [Int64]) -> ExactMoments {
        var moments = ExactMoments()
        for value in values { moments.add(value) }
        return moments
    }

    /// D = n Σx² - (Σx)² of values in units of 2^scale.
    static func oracle(_ values: [SchoolInteger], scale: Int) -> Double? {
        let sum = values.reduce(SchoolInteger(0)) { $0 + $1 }
        let squares = values.reduce(SchoolInteger(0)) { $0 + $1 * $1 }
        return (SchoolInteger(Int64(values.count)) * squares - sum * sum).double(scale: 2 * scale)
    }

    static func oracle(_ values: [Double]) -> Double? {
        oracle(values.map { SchoolInteger(unitsOf: $0) }, scale: -1074)
    }
    static func oracle(_ values: [Int64]) -> Double? { oracle(values.map { SchoolInteger($0) }, scale: 0) }

    static let tiny = Double.leastNonzeroMagnitude
    static let huge = Double.greatestFiniteMagnitude

    /// Python: `D = n * sum(F(x)**2) - sum(F(x))**2`, F being `fractions.Fraction`; then float(D) / float(n * n), and
    /// float(D) / float(n * (n - 1)).
    static let variancesByPython: [([Double], Double?, Double?)] = [
        ([1.0, 2.0, 3.0, 4.0], 1.25, 1.6666666666666667),
        ([0.1, 0.2, 0.3], 0.006666666666666665, 0.009999999999999998),
        ([12.34, 56.78, 90.12, 34.56], 825.6605000000001, 1100.8806666666667),
        ([1000000000.01, 1000000000.02, 1000000000.03], 6.666653951015178e-05, 9.999980926522767e-05),
        ([1e-05, 1000000000.0], 2.49999999999995e+17, 4.9999999999999e+17),
        ([5.0, 5.0, 5.0], 0.0, 0.0),
        ([9007199254740992.0, 9007199254740992.0, 1.0], 1.802880853657926e+31, 2.704321280486889e+31),
        ([1e+150, -1e+150], 9.999999999999999e+299, 1.9999999999999998e+300),
        ([1e+154, -1e+154], nil, nil),
        ([1e+308, -1e+308], nil, nil),
        ([1e+308, 1e+308], 0.0, 0.0),
        ([huge, huge], 0.0, 0.0),
        ([tiny, -tiny], 0.0, 0.0),
        ([1e-160, 3e-160], 2024 * tiny, 4048 * tiny),
        ([1e-162, 3e-162], 0.0, 0.0),
        ([1e+300, 1e-300], nil, nil),
        ([1e+100, 1.0, -1e+100], 6.666666666666668e+199, 1.0000000000000001e+200),
        (
            [3.054936363499605e-151, 3.8725919148493183e-121, 3.4395525670743494e-136], 3.3326595864347324e-242,
            4.998989379652099e-242
        ),
        (Array(repeating: 0.1, count: 10), 0.0, 0.0),
        ([1e+16, 1.0000000000000002e+16, 1.0000000000000004e+16], 2.6666666666666665, 4.0),
        ([42.0], 0.0, nil),
    ]

    @Test(arguments: variancesByPython)
    func knownVariances(values: [Double], population: Double?, sample: Double?) {
        for order in [values, values.reversed()] {
            let moments = Self.moments(order)
            #expect(moments.populationVariance?.bitPattern == population?.bitPattern)
            #expect(moments.sampleVariance?.bitPattern == sample?.bitPattern)
            #expect(moments.populationDeviation?.bitPattern == population?.squareRoot().bitPattern)
            #expect(moments.sampleDeviation?.bitPattern == sample?.squareRoot().bitPattern)
            #expect(moments.count == values.count)
        }
    }

    /// Merged in random groups, in this order.
    static func merged<Value>(
        _ values: [Value],
        _ moments: ([Value]) -> ExactMoments,
        using random: inout SplitMix64
    ) -> ExactMoments {
        var parts: [ExactMoments] = []
        var rest = values[...]
        while !rest.isEmpty {
            let count = Int.random(in: 0...min(7, rest.count), using: &random)
            parts.append(moments(Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        while parts.count > 1 {
            let place = Int.random(in: 1..<parts.count, using: &random)
            parts[place - 1].merge(parts.remove(at: place))
        }
        return parts.first ?? ExactMoments()
    }

    @Test(arguments: TestSeeds.list(200))
    func doublesInAnyOrderAndGrouping(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let isNasty = random.oneIn(2)
        let center = Int.random(in: -1022...963, using: &random)
        let values = (0..<Int.random(in: 1...25, using: &random)).map { _ in
            if isNasty { return SeededStream.nastyDouble(using: &random) }
            // Within some 60 binades: bases move, and 256 bits hold it or nearly do.
            return Double(
                sign: random.oneIn(2) ? .plus : .minus,
                exponent: center + Int.random(in: 0...60, using: &random) * Int.random(in: 0...1, using: &random),
                significand: Double.random(in: 1..<2, using: &random)
            )
        }
        let expected = Self.oracle(values)?.bitPattern
        for _ in 0..<3 {
            let order = values.shuffled(using: &random)
            #expect(Self.moments(order).numerator?.bitPattern == expected, "\(TestSeeds.hint(seed)): \(values)")
            let merged = Self.merged(order, Self.moments, using: &random)
            #expect(merged.numerator?.bitPattern == expected, "merged, \(TestSeeds.hint(seed)): \(values)")
            #expect(merged.count == values.count)
            #expect(merged.roundedSum?.bitPattern == ExactSumTests.sum(values).rounded?.bitPattern)
        }
    }

    @Test(arguments: TestSeeds.list(200))
    func integersInAnyOrderAndGrouping(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let values = (0..<Int.random(in: 1...40, using: &random)).map { _ -> Int64 in
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .max
            case 1: .min
            case 2: 9_007_199_254_740_993
            case 3: 0
            case 4: Int64.random(in: .min ... .max, using: &random)
            default: Int64.random(in: -3...3, using: &random)
            }
        }
        let expected = Self.oracle(values)?.bitPattern
        let order = values.shuffled(using: &random)
        #expect(Self.moments(order).numerator?.bitPattern == expected, "\(TestSeeds.hint(seed)): \(values)")
        let merged = Self.merged(order, Self.moments, using: &random)
        #expect(merged.numerator?.bitPattern == expected, "merged, \(TestSeeds.hint(seed)): \(values)")
        #expect(merged.wide == nil && merged.base == ExactMoments.integerBase, "integers stay on the quick way")
    }

    @Test(arguments: TestSeeds.list(200))
    func subtractionUndoesMerging(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let isNasty = random.oneIn(3)
        func some() -> [Double] {
            (0..<Int.random(in: 0...9, using: &random)).map { _ in
                isNasty
                    ? SeededStream.nastyDouble(using: &random)
                    : Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100
            }
        }
        let (kept, removed) = (some(), some())
        let difference = Self.moments((kept + removed).shuffled(using: &random)).subtracting(Self.moments(removed))
        #expect(difference.numerator?.bitPattern == Self.oracle(kept)?.bitPattern, "\(TestSeeds.hint(seed))")
        #expect(difference.count == kept.count)
    }

    @Test(arguments: TestSeeds.list(100))
    func takingAwayTooMuchMeansNothingButDoesNotTrap(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var moments = ExactMoments()
        for _ in 0..<60 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: moments.add(SeededStream.nastyDouble(using: &random))
            case 1: moments.add(Int64.random(in: .min ... .max, using: &random))
            case 2: moments.subtract(Self.moments([SeededStream.nastyDouble(using: &random)]))
            case 3: moments.subtract(moments)
            default: moments.merge(moments)
            }
            _ = (moments.populationVariance, moments.sampleDeviation, moments.roundedSum)
        }
        moments.subtract(moments)
        #expect(moments.count == 0 && moments.numerator == 0)
    }

    @Test func everydayAmountsStayOnTheQuickWay() {
        var random = SplitMix64(seed: 3)
        let values = (0..<50_000).map { _ in Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100 }
        let moments = Self.moments(values)
        #expect(moments.wide == nil && moments.base == ExactSum.everydayBase)
        #expect(moments.numerator == Self.moments(values.shuffled(using: &random)).numerator)
        let cents = values.map { Int64(($0 * 100).rounded()) }
        let ratio = (moments.sampleDeviation ?? 0) * 100 / (Self.moments(cents).sampleDeviation ?? 1)
        #expect(abs(ratio - 1) < 1e-12)
        #expect(Self.moments(Array(repeating: 0.1, count: 1000)).populationVariance == 0)
    }

    @Test func countsAndTheirProductsAreExact() {
        // Many equal tiles by doubling: n grows past 2^53, where n (n - 1) has to be formed before it is rounded.
        var moments = Self.moments([Int64(0), 1])
        for _ in 0..<60 { moments.merge(moments) }
        #expect(moments.count == 1 << 61)
        // Half zeros, half ones: D = n²/4.
        #expect(moments.populationVariance == 0.25)
        var wide = Self.moments([1e-300, 1e300])
        for _ in 0..<60 { wide.merge(wide) }
        #expect(wide.count == 1 << 61 && wide.numerator == nil)
    }

    @Test func whatHasNoVariance() {
        #expect(ExactMoments().populationVariance == nil && ExactMoments().sampleVariance == nil)
        #expect(Self.moments([7.5]).populationVariance == 0 && Self.moments([7.5]).sampleVariance == nil)
        #expect(Self.moments([0.0, -0.0]).sampleVariance?.bitPattern == 0)
        let odd = Self.moments([.infinity, 1, .nan, 3])
        #expect(odd.count == 2 && odd.populationVariance == 1)
        // Integers and doubles in one accumulator: not a column, and still exact.
        for first in [0.5, 1e300] {
            var mixed = Self.moments([first])
            mixed.add(Int64.max)
            let units = [SchoolInteger(unitsOf: first), SchoolInteger(.max) * SchoolInteger(unitsOf: 1)]
            #expect(mixed.numerator == Self.oracle(units, scale: -1074))
        }
    }
}
