import FeatureTesting
import Testing

@testable import Windowing

@Suite struct DistinctStringsTests {
    static func multiset(_ strings: some Sequence<[UInt8]>, max: Int? = nil) -> DistinctStrings {
        var multiset = DistinctStrings(maxDistinct: max)
        for string in strings { string.withUnsafeBytes { multiset.add($0) } }
        return multiset
    }

    static func ascending(_ multiset: DistinctStrings) -> [([UInt8], Int64)] {
        var result: [([UInt8], Int64)] = []
        multiset.forEach { result.append((Array($0), $1)) }
        return result
    }

    /// Short ones over few letters, zero bytes among them, with shared beginnings longer than a word.
    static func string(using random: inout SplitMix64) -> [UInt8] {
        let letters: [UInt8] = [0, 1, 0x61, 0x62, 0xff]
        let tail = (0..<Int.random(in: 0...3, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return tail
        case 1: return Array("a shared beginning of some length, ".utf8) + tail
        case 2: return Array("12345678".utf8) + tail
        default: return Array("user-\(Int.random(in: 0..<300, using: &random))".utf8)
        }
    }

    @Test(arguments: TestSeeds.list(150))
    func againstADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = [0, 1, 20, 64, 70, 300, 2000].randomElement(using: &random) ?? 0
        let strings = (0..<count).map { _ in Self.string(using: &random) }
        let expected = strings.reduce(into: [:]) { $0[$1, default: Int64(0)] += 1 }
        let sorted = expected.keys.sorted { $0.lexicographicallyPrecedes($1) }
        let bound = random.oneIn(3) ? Int.random(in: 0...400, using: &random) : nil
        var merged = DistinctStrings(maxDistinct: bound)
        var rest = strings.shuffled(using: &random)[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 0...max(1, count / 3), using: &random))
            rest = rest.dropFirst(part.count)
            var other = Self.multiset(part, max: bound)
            if random.oneIn(2) {
                merged.merge(other)
            } else {
                other.merge(merged)
                merged = other
            }
        }
        for multiset in [Self.multiset(strings, max: bound), merged] {
            if let bound, expected.count > bound {
                #expect(multiset.isOverflowed && multiset.distinctCount == nil && multiset.top(1) == nil)
                continue
            }
            let contents = Self.ascending(multiset)
            #expect(contents.map(\.0) == sorted, "\(TestSeeds.hint(seed))")
            #expect(contents.map(\.1) == sorted.map { expected[$0] ?? 0 })
            #expect(multiset.distinctCount == expected.count && !multiset.isOverflowed)
            for k in [0, 1, 7, 200] {
                let ranked = contents.enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
                #expect(multiset.top(k)?.map(\.bytes) == ranked.prefix(k).map(\.element.0))
                #expect(multiset.top(k)?.map(\.count) == ranked.prefix(k).map(\.element.1))
            }
        }
    }

    @Test func emptyStringsAndZeroBytesAreDifferent() {
        let strings: [[UInt8]] = [
            [], [0], [0, 0], [0x61], [0x61, 0], Array(repeating: 0, count: 8), Array(repeating: 0, count: 9),
        ]
        let multiset = Self.multiset(strings + strings.reversed())
        #expect(multiset.distinctCount == 7)
        #expect(Self.ascending(multiset).allSatisfy { $0.1 == 2 })
        #expect(Self.ascending(multiset).first?.0 == [])
    }
}
