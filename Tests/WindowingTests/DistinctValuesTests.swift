import FeatureTesting
import Testing

@testable import Windowing

@Suite struct DistinctValuesTests {
    static func multiset(_ slots: some Sequence<UInt64>, _ order: SlotOrder = .integer, max: Int? = nil)
        -> DistinctValues
    {
        var multiset = DistinctValues(order: order, maxDistinct: max)
        for slot in slots { multiset.add(slot) }
        return multiset
    }

    static func contents(_ multiset: DistinctValues) -> [UInt64: Int64]? {
        multiset.ascending.map { Dictionary(uniqueKeysWithValues: $0) }
    }

    /// In random parts, merged in random directions.
    static func merged(_ slots: [UInt64], _ order: SlotOrder, max: Int?, using random: inout SplitMix64)
        -> DistinctValues
    {
        var merged = DistinctValues(order: order, maxDistinct: max)
        var rest = slots.shuffled(using: &random)[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 0...Swift.max(1, slots.count / 3), using: &random))
            rest = rest.dropFirst(part.count)
            var other = multiset(part, order, max: max)
            if random.oneIn(2) {
                merged.merge(other)
            } else {
                other.merge(merged)
                merged = other
            }
        }
        return merged
    }

    @Test(arguments: TestSeeds.list(150))
    func againstADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let order: SlotOrder = random.oneIn(2) ? .integer : .double
        let count = [0, 3, 4, 40, 127, 130, 700, 3000].randomElement(using: &random) ?? 0
        let spread = Int64.random(in: 1...Int64(2 * count + 1), using: &random)
        let slots = (0..<count).map { _ -> UInt64 in
            let value = Int64.random(in: -spread...spread, using: &random)
            return order == .integer ? UInt64(bitPattern: value) : (Double(value) / 8).bitPattern
        }
        let expected = slots.reduce(into: [:]) { $0[$1, default: Int64(0)] += 1 }
        for multiset in [Self.multiset(slots, order), Self.merged(slots, order, max: nil, using: &random)] {
            #expect(Self.contents(multiset) == expected, "\(TestSeeds.hint(seed))")
            #expect(multiset.distinctCount == expected.count)
            let values = (multiset.ascending ?? []).map(\.slot)
            if order == .integer {
                #expect(values.map { Int64(bitPattern: $0) } == expected.keys.map { Int64(bitPattern: $0) }.sorted())
            } else {
                #expect(values.map { Double(bitPattern: $0) } == expected.keys.map { Double(bitPattern: $0) }.sorted())
            }
            for k in [0, 1, 5, 99, 150, 5000] {
                let ranked = (multiset.ascending ?? []).enumerated().sorted {
                    ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
                }
                #expect(multiset.top(k)?.map(\.slot) == ranked.prefix(k).map(\.element.slot))
                #expect(multiset.top(k)?.map(\.count) == ranked.prefix(k).map(\.element.count))
            }
        }
    }

    @Test(arguments: TestSeeds.list(150))
    func theBoundIsOnTheUnion(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 0...600, using: &random)
        let slots = (0..<count).map { _ in UInt64.random(in: 0...UInt64(count), using: &random) }
        let distinct = Set(slots).count
        for bound in [0, 1, 3, distinct - 1, distinct, distinct + 1].filter({ $0 >= 0 }) {
            let multisets = [
                Self.multiset(slots, max: bound), Self.merged(slots, .integer, max: bound, using: &random),
            ]
            for multiset in multisets {
                #expect(multiset.isOverflowed == (distinct > bound), "\(TestSeeds.hint(seed)): \(distinct) > \(bound)")
                #expect(multiset.distinctCount == (distinct > bound ? nil : distinct))
                #expect(
                    (multiset.ascending == nil) == (distinct > bound) && (multiset.top(3) == nil) == (distinct > bound)
                )
            }
        }
    }

    @Test func slotsSortLikeTheirValues() {
        let doubles = [-Double.infinity, -1e308, -1, -5e-300, 0, 5e-300, 0.1, 1, 1e308, .infinity]
        #expect(
            doubles.map { SlotOrder.double.key($0.bitPattern) }
                == doubles.map { SlotOrder.double.key($0.bitPattern) }.sorted()
        )
        let integers: [Int64] = [.min, -2, -1, 0, 1, .max]
        let keys = integers.map { SlotOrder.integer.key(UInt64(bitPattern: $0)) }
        #expect(keys == keys.sorted())
        for order in [SlotOrder.integer, .double] {
            for slot in [0, 1, UInt64.max, 1 << 63, 0x7ff8_0000_0000_0001] {
                #expect(order.slot(order.key(slot)) == slot)
            }
        }
    }

    @Test func twoBoundsAndTheSmallCase() {
        #expect(Self.multiset([1, 2, 2, 3]).entries.heap.isEmpty, "three distinct values need no allocation")
        var loose = Self.multiset([1, 2, 3], max: 10)
        loose.merge(Self.multiset([1], max: 3))
        #expect(loose.distinctCount == 3)
        loose.add(4)
        #expect(loose.isOverflowed)
        var other = Self.multiset([1])
        other.merge(loose)
        #expect(other.isOverflowed && other.top(1) == nil)
        // Counts of tiles merged into themselves do not trap at the end of Int64.
        var many = Self.multiset([7])
        for _ in 0..<70 { many.merge(many) }
        #expect(many.distinctCount == 1)
    }
}
