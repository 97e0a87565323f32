import FeatureTesting
import Testing

@testable import Windowing

@Suite struct DDSketchTests {
    static func sketch(_ values: [Double], _ accuracy: Double = 0.01) -> DDSketch {
        var sketch = DDSketch(accuracy: accuracy)
        for value in values { sketch.add(value) }
        return sketch
    }

    static func contents(_ sketch: DDSketch) -> [UInt64] { sketch.buckets.withEntries { $0.map(\.bits) } }

    static let tiny = Double.leastNonzeroMagnitude
    static let accuracies = [0.001, 0.002, 0.01, 0.015625, 0.0157, 0.05, 0.1]
    static let quantiles = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

    @Test(
        arguments: [
            (0.001, 9), (0.01, 6), (0.1, 3), (0.0625, 3), (0.0624, 4), (0.0078125, 6), (0.0078, 7), (1e-9, 9), (5, 3),
            (-1, 9), (.nan, 3),
        ] as [(Double, UInt8)]
    )
    func asFewBitsAsTheAccuracyAllows(accuracy: Double, bits: UInt8) {
        let sketch = DDSketch(accuracy: accuracy)
        #expect(sketch.mantissaBits == bits)
        if DDSketch.accuracies.contains(accuracy) {
            #expect(sketch.relativeError <= accuracy && (bits == 3 || 2 * sketch.relativeError > accuracy))
        }
    }

    /// The bucket's middle lies within the bound, of every kind of number.
    @Test(arguments: TestSeeds.list(100))
    func relativeError(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for accuracy in Self.accuracies {
            let k = UInt64(DDSketch(accuracy: accuracy).mantissaBits)
            for _ in 0..<200 {
                let x = SeededStream.nastyDouble(using: &random)
                let value = DDSketch.value(ofKey: DDSketch.key(of: x, mantissaBits: k), mantissaBits: k)
                // In units of the last place everything is exact: no rounding blurs the bound.
                let error = SchoolInteger(unitsOf: value) - SchoolInteger(unitsOf: x)
                let bound = SchoolInteger(unitsOf: x.magnitude)
                let scaled = SchoolInteger(2 << Int64(k)) * error
                #expect((bound - scaled).isNegative == false && (bound + scaled).isNegative == false, "\(x) \(value)")
            }
        }
    }

    @Test func keysAscendWithTheValuesAndAreBounded() {
        for k in 3...9 as ClosedRange<UInt64> {
            var values = [
                0, Self.tiny, 2 * Self.tiny, 3 * Self.tiny, 0x1p-1022.nextDown, 0x1p-1022, 1, 1.5, 2.nextDown, 2,
            ]
            values += (0...60).map { Self.tiny * Double(sign: .plus, exponent: $0, significand: 1) }
            values += [1e308, .greatestFiniteMagnitude]
            let sorted = (values + values.map { -$0 }).sorted()
            let keys = sorted.map { DDSketch.key(of: $0, mantissaBits: k) }
            #expect(keys == keys.sorted())
            #expect(keys.last == Int32(2098 << k) && keys.first == -Int32(2098 << k))
            #expect(keys.allSatisfy { DDSketch.Bucket(key: $0, count: 7).signedKey == $0 })
            // Each bucket's middle lies in the bucket, next to its neighbours'.
            // Below 2^(k - 1074) not every index has a number.
            let reachable = (-3000...3000).map { Int32($0) }.filter { $0 == 0 || $0.magnitude > UInt32(k << k) }
            for key in reachable + keys {
                let value = DDSketch.value(ofKey: key, mantissaBits: k)
                #expect(DDSketch.key(of: value, mantissaBits: k) == key)
            }
        }
        // Few subnormal bits: a bucket is one number.
        for x in [Self.tiny, 3 * Self.tiny, 63 * Self.tiny] {
            #expect(DDSketch.value(ofKey: DDSketch.key(of: x, mantissaBits: 6), mantissaBits: 6) == x)
        }
    }

    @Test(arguments: TestSeeds.list(100))
    func quantilesAgainstSortedValues(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let accuracy = Self.accuracies.randomElement(using: &random) ?? 0.01
        let isNasty = random.oneIn(3)
        let values = (0..<Int.random(in: 1...400, using: &random)).map { _ in
            isNasty
                ? SeededStream.nastyDouble(using: &random)
                : Double(Int64.random(in: -100_000...1_000_000, using: &random)) / 100
        }
        let sketch = Self.sketch(values, accuracy)
        let k = UInt64(sketch.mantissaBits)
        let sorted = values.sorted()
        #expect(sketch.count == values.count)
        for q in Self.quantiles {
            // `ranksAreExact` has the rank.
            let item = sorted[Int(DDSketch.rank(q, of: UInt64(values.count)))]
            let expected = DDSketch.value(ofKey: DDSketch.key(of: item, mantissaBits: k), mantissaBits: k)
            #expect(sketch.quantile(q) == expected, "\(TestSeeds.hint(seed)): q = \(q) of \(values.count)")
        }
    }

    /// Python: `floor(Fraction(q) * (n - 1))`.
    @Test(
        arguments: [
            (0, 1, 0), (1, 1, 0), (1, 11, 10), (0.1, 11, 1), (0.7, 11, 6), (0.5, 10, 4), (0.3, 11, 2), (0.99, 101, 98),
            (1.0.nextDown, 101, 99), (1, UInt64(Int64.max), 9_223_372_036_854_775_806),
            (0.5, UInt64(Int64.max), 4_611_686_018_427_387_903),
            (1.0.nextDown, UInt64(Int64.max), 9_223_372_036_854_774_782), (0x1p-1060, 1000, 0),
            (1e-18, UInt64(Int64.max), 9),
        ] as [(Double, UInt64, UInt64)]
    )
    func ranksAreExact(q: Double, count: UInt64, expected: UInt64) {
        #expect(DDSketch.rank(q, of: count) == expected)
    }

    @Test(arguments: TestSeeds.list(100))
    func anyOrderAndGroupingGivesTheSameBuckets(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let isNasty = random.oneIn(3)
        let count = [2, 6, 7, 30, 300].randomElement(using: &random) ?? 0
        let values = (0..<count).map { _ in
            isNasty
                ? SeededStream.nastyDouble(using: &random) : Double(Int64.random(in: -900...900, using: &random)) / 4
        }
        let expected = Self.contents(Self.sketch(values))
        var merged = DDSketch()
        var rest = values.shuffled(using: &random)[...]
        while !rest.isEmpty {
            let part = Self.sketch(Array(rest.prefix(Int.random(in: 0...max(1, count / 3), using: &random))))
            rest = rest.dropFirst(Int(part.count))
            if random.oneIn(2) {
                merged.merge(part)
            } else {
                var other = part
                other.merge(merged)
                merged = other
            }
        }
        #expect(Self.contents(merged) == expected, "\(TestSeeds.hint(seed))")
        // Of two accuracies the coarser one remains.
        let cut = values.count / 2
        var mixed = Self.sketch(Array(values[..<cut]), 0.001)
        mixed.merge(Self.sketch(Array(values[cut...]), 0.05))
        #expect(Self.contents(mixed) == Self.contents(Self.sketch(values, 0.05)))
    }

    @Test func theEnds() {
        #expect(MemoryLayout<DDSketch>.stride <= 64)
        #expect(DDSketch().quantile(0.5) == nil && DDSketch().count == 0)
        let one = Self.sketch([.nan, 0, .infinity, -0.0])
        #expect(one.count == 2 && one.quantile(1)?.bitPattern == 0)
        for q in [-0.1, 1.1, .nan, .infinity] { #expect(one.quantile(q) == nil) }
        #expect(Self.sketch([-5]).quantile(0.5) == -Self.sketch([5]).quantile(0.5).unsafelyUnwrapped)
        // Counts stand still at their end instead of running into the key.
        var full = Self.sketch([1, 2])
        for _ in 0..<70 { full.merge(full) }
        #expect(full.count == 2 * Int64(DDSketch.Bucket.countMax) && full.buckets.count == 2)
        #expect(full.quantile(0.4).map { $0 < 1.1 } == true && full.quantile(0.6).map { $0 > 1.9 } == true)
    }
}
