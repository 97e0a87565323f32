import FeatureTesting
import Testing

@testable import Windowing

@Suite struct DecayedSumTests {
    typealias Event = (x: Double, time: Int64)

    static func sum(_ events: [Event], _ life: HalfLife) -> DecayedSum {
        var sum = DecayedSum()
        for event in events { sum.add(event.x, life.weight(at: event.time)) }
        return sum
    }

    /// In random groups, merged in random directions.
    static func merged(_ events: [Event], _ life: HalfLife, using random: inout SplitMix64) -> DecayedSum {
        var merged = DecayedSum()
        var rest = events.shuffled(using: &random)[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 0...max(1, events.count / 3), using: &random))
            rest = rest.dropFirst(part.count)
            var other = sum(Array(part), life)
            if random.oneIn(2) {
                merged.merge(other)
            } else {
                other.merge(merged)
                merged = other
            }
        }
        return merged
    }

    @Test func agreesWithPythonInAnyOrderAndGrouping() throws {
        var random = SplitMix64(seed: 1)
        let lines = accumulatorFixture("decayed_sums")
        #expect(lines.count > 200)
        for line in lines {
            let life = HalfLife(microseconds: try #require(Int64(line[0])))
            let now = life.weight(at: try #require(Int64(line[1])))
            let expected = Double(bits: line[2])
            let events = try line.dropFirst(3).map { word -> Event in
                let parts = word.split(separator: ":")
                return (try #require(Double(bits: parts[0])), try #require(Int64(parts[1])))
            }
            for sum in [Self.sum(events, life)] + (0..<3).map({ _ in Self.merged(events, life, using: &random) }) {
                #expect(sum.value(at: now)?.bitPattern == expected?.bitPattern, "\(line)")
            }
        }
    }

    /// Against whole numbers: terms times 2^k in units of 2^-1074.
    @Test(arguments: TestSeeds.list(200))
    func anyOrderAndGroupingGivesTheSameBits(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let life = HalfLife(microseconds: Int64.random(in: 1...(1 << 40), using: &random))
        // Periods that keep k at 0 or above, so that the oracle's integers stay whole.
        let periods: Int64 = [1, 5, 80, 700].randomElement(using: &random) ?? 1
        var events = (0..<Int.random(in: 0...30, using: &random)).map { _ -> Event in
            let x =
                random.oneIn(3)
                ? SeededStream.nastyDouble(using: &random) / 4
                : Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100
            return (x, Int64.random(in: 0..<(life.microseconds * periods), using: &random))
        }
        if random.oneIn(3) { events += events.dropFirst().map { (-$0.x, $0.time) } }
        let exact = events.reduce(SchoolInteger(0)) { total, event in
            let weight = life.weight(at: event.time)
            return total + SchoolInteger(unitsOf: event.x * weight.factor).shifted(by: Int(weight.exponent))
        }
        let whole = Self.sum(events, life)
        let grouped = Self.merged(events, life, using: &random)
        for period in [0, 1, periods / 2, periods, periods + 64] {
            let now = life.weight(at: period * life.microseconds + life.microseconds / 3)
            let expected = exact.double(scale: -1074 - Int(period)).map { $0 == 0 ? 0 : $0 / now.factor }
            #expect(whole.value(at: now)?.bitPattern == expected?.bitPattern, "\(TestSeeds.hint(seed))")
            #expect(grouped.value(at: now)?.bitPattern == expected?.bitPattern, "merged, \(TestSeeds.hint(seed))")
        }
    }

    @Test func halvesEachHalfLife() {
        let day = HalfLife(microseconds: 86_400_000_000)
        let sum = Self.sum([(12.5, 1000)], day)
        for days in [0, 1, 2, 50] as [Int64] {
            let now = day.weight(at: 1000 + days * day.microseconds)
            #expect(sum.value(at: now) == 12.5 / Double(1 << days))
        }
        #expect(sum.value(at: day.weight(at: .max)) == 0 && sum.value(at: day.weight(at: .min)) == nil)
    }

    /// Exponents far beyond the doubles, with gaps that no digits may fill.
    @Test func instantsFarApart() {
        let life = HalfLife(microseconds: 1)
        let far: [Int64] = [.min, -(1 << 43), -70, 0, 1 << 43, .max - 1, .max]
        for instant in far {
            for other in far where other < instant {
                for sign in [1.0, -1.0] {
                    let now = life.weight(at: instant)
                    // A whole number and a half: what lies far below breaks the tie.
                    let events: [Event] = [(0x1p53, instant), (1, instant), (sign, other)]
                    let expected = sign > 0 ? 0x1p53 + 2 : 0x1p53
                    #expect(Self.sum(events, life).value(at: now) == expected, "\(instant) \(other)")
                    #expect(Self.sum(events.map { (-$0.x, $0.time) }, life).value(at: now) == -expected)
                    let lone = Self.sum([(1, instant), (sign, other), (-1, instant)], life)
                    #expect(lone.value(at: life.weight(at: other)) == sign)
                    #expect(lone.bands.count <= 4)
                }
            }
        }
    }

    @Test func carriesRunThroughManyBands() {
        let life = HalfLife(microseconds: 1)
        // 2^320 - 1 - 2^320 + 1, in pieces: all ones, then nothing.
        var sum = DecayedSum()
        for k in 0..<320 as Range<Int64> { sum.add(1, life.weight(at: k)) }
        #expect(sum.value(at: life.weight(at: 320)) == 1)
        #expect(sum.value(at: life.weight(at: 0)) == 0x1p320)
        sum.add(1, life.weight(at: 0))
        sum.add(-1, life.weight(at: 320))
        #expect(sum.value(at: life.weight(at: 0))?.bitPattern == 0)
        sum.add(-0x1p-30, life.weight(at: 0))
        #expect(sum.value(at: life.weight(at: 0)) == -0x1p-30)
        // Bands hold far more than their own 64 bits.
        for _ in 0..<62 { sum.merge(sum) }
        #expect(sum.value(at: life.weight(at: 0)) == -0x1p32)
    }

    @Test func theEnds() {
        let life = HalfLife(microseconds: 3)
        #expect(MemoryLayout<DecayedSum>.stride <= 88)
        #expect(DecayedSum().value(at: life.weight(at: 5))?.bitPattern == 0)
        #expect(Self.sum([(.nan, 1), (.infinity, 1), (0, 1), (-0.0, 1)], life).bands.count == 0)
        let huge = Double.greatestFiniteMagnitude
        // The term exceeds the doubles, the sum one half-life later does not.
        let sum = Self.sum([(huge, 2)], life)
        #expect(sum.value(at: life.weight(at: 2)) == nil && sum.value(at: life.weight(at: 5)) != nil)
        #expect(Self.sum([(huge, 2), (-huge, 2)], life).value(at: life.weight(at: 0))?.bitPattern == 0)
        let tiny = Self.sum([(-Double.leastNonzeroMagnitude, 0)], life)
        #expect(tiny.value(at: life.weight(at: 0)) == -Double.leastNonzeroMagnitude)
        #expect(tiny.value(at: life.weight(at: 6))?.bitPattern == 0, "what rounds to zero is +0.0")
    }
}
