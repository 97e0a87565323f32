import FeatureTesting
import Testing

@testable import Windowing

@Suite struct EndValuesTests {
    /// By the definition: `events` oldest first.
    static func oracle<Value: Hashable>(_ events: [Value], _ form: EndForm, _ limit: Int) -> [Value] {
        switch form {
        case .first: return Array(events.prefix(limit))
        case .last: return Array(events.suffix(limit))
        case .firstDistinct:
            let firsts = events.indices.filter { !events[..<$0].contains(events[$0]) }
            return firsts.prefix(limit).map { events[$0] }
        case .lastDistinct:
            let lasts = events.indices.filter { !events[($0 + 1)...].contains(events[$0]) }
            return lasts.suffix(limit).map { events[$0] }
        }
    }

    static func values(_ events: some BidirectionalCollection<UInt64>, _ form: EndForm, _ limit: Int) -> EndValues {
        var values = EndValues(form, limit: limit)
        for slot in events.reversed() { values.extendOlder(slot) }
        return values
    }

    static func strings(_ events: some BidirectionalCollection<[UInt8]>, _ form: EndForm, _ limit: Int) -> EndStrings {
        var strings = EndStrings(form, limit: limit)
        for string in events.reversed() { string.withUnsafeBytes { strings.extendOlder($0) } }
        return strings
    }

    static func contents(_ strings: EndStrings) -> [[UInt8]] {
        var contents: [[UInt8]] = []
        strings.forEach { contents.append(Array($0)) }
        return contents
    }

    @Test(arguments: EndForm.allCases)
    func byHand(form: EndForm) {
        // Oldest first.
        let events: [UInt64] = [7, 8, 7, 9, 8, 7, 5]
        let expected: [UInt64] =
            switch form {
            case .first: [7, 8, 7]
            case .last: [8, 7, 5]
            case .firstDistinct: [7, 8, 9]
            case .lastDistinct: [8, 7, 5]
            }
        #expect(Self.values(events, form, 3).values == expected)
        #expect(Self.oracle(events, form, 3) == expected)
        let all: [UInt64] =
            switch form {
            case .first, .last: events
            case .firstDistinct: [7, 8, 9, 5]
            case .lastDistinct: [9, 8, 7, 5]
            }
        #expect(Self.values(events, form, 1000).values == all)
    }

    @Test(arguments: TestSeeds.list(200))
    func inAnyGrouping(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = [1, 2, 5, 6, 7, 8, 20, 100, 1000].randomElement(using: &random) ?? 1
        let count = Int.random(in: 0...(random.oneIn(2) ? 20 : 300), using: &random)
        let spread = UInt64.random(in: 1...40, using: &random)
        let events = (0..<count).map { _ in UInt64.random(in: 0...spread, using: &random) }
        let texts = events.map { value in
            Array(repeating: 0x61, count: Int(value % 11)) + Array(String(value).utf8)
        }
        for form in EndForm.allCases {
            let expected = Self.oracle(events, form, limit)
            let whole = Self.values(events, form, limit)
            #expect(whole.values == expected, "\(TestSeeds.hint(seed)): \(form) \(limit)")
            #expect(whole.isComplete == (form.isDoneWhenFull && expected.count == limit))
            #expect(Self.contents(Self.strings(texts, form, limit)) == Self.oracle(texts, form, limit))
            // Parts that follow each other, merged in any grouping.
            var parts: [EndValues] = []
            var textParts: [EndStrings] = []
            var start = 0
            while start < count {
                let end = min(count, start + Int.random(in: 1...max(1, count / 2), using: &random))
                parts.append(Self.values(events[start..<end], form, limit))
                textParts.append(Self.strings(texts[start..<end], form, limit))
                start = end
            }
            parts.append(EndValues(form, limit: limit))
            textParts.append(EndStrings(form, limit: limit))
            while parts.count > 1 {
                let place = Int.random(in: 1..<parts.count, using: &random)
                let older = parts.remove(at: place - 1)
                parts[place - 1].merge(older: older)
                let olderText = textParts.remove(at: place - 1)
                textParts[place - 1].merge(older: olderText)
            }
            #expect(parts[0].values == expected, "merged, \(TestSeeds.hint(seed)): \(form) \(limit)")
            #expect(Self.contents(textParts[0]) == Self.oracle(texts, form, limit))
        }
    }

    @Test func limits() {
        #expect(EndValues(.last, limit: 0).limit == 1 && EndValues(.last, limit: 5000).limit == 1000)
        #expect(MemoryLayout<EndValues>.stride <= 64)
        #expect(EndValues(.first, limit: 3).values.isEmpty && !EndValues(.last, limit: 1).isComplete)
        // Equal hashes are not equal strings: empty ones and zero bytes.
        let odd: [[UInt8]] = [[], [0], [0, 0], [], [0]]
        #expect(Self.contents(Self.strings(odd, .lastDistinct, 9)) == [[0, 0], [], [0]])
    }

    @Test func droppedStringsLeaveNoBytesBehind() {
        var strings = EndStrings(.first, limit: 2)
        for index in 0..<10_000 { Array("string \(index)".utf8).withUnsafeBytes { strings.extendOlder($0) } }
        #expect(strings.byteCount < 200)
        #expect(Self.contents(strings) == [Array("string 9999".utf8), Array("string 9998".utf8)])
    }
}
