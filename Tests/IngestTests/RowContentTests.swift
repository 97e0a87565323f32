import FeatureTesting
import Testing

@testable import Ingest

/// The content hash is part of the format: what it gives today it must give for ever.
@Suite struct RowContentTests {
    private func sum(_ time: Int64, _ fields: [(String, UInt64?)]) -> UInt64 {
        var sums = RowContent.sums(times: [time])
        for (name, slot) in fields {
            RowContent.add([slot ?? 77], isValid: [slot != nil], seed: RowContent.seed(ofField: name), to: &sums)
        }
        return sums[0]
    }

    /// Made with the reference implementation (python-xxhash 4.1.0): xxh64_intdigest of the bytes, with these seeds.
    @Test func goldenValues() {
        #expect(RowContent.seed(ofField: "amount") == 0x5b2d12cd16c20179)
        #expect(RowContent.sums(times: [1_700_000_000_123_456]) == [0xfafa90910116451b])
        let sums = sum(1_700_000_000_123_456, [("amount", (0.1).bitPattern), ("n", UInt64(bitPattern: -7))])
        let text = Array("Zürich".utf8).withUnsafeBytes {
            RowContent.term($0, seed: RowContent.seed(ofField: "city"))
        }
        #expect(sums &+ text == 0x85c930c2b95f1a8a)
        #expect(RowContent.offset(sum: sums &+ text, ordinal: 0) == 0x69093f21a757a546)
        #expect(RowContent.offset(sum: sums &+ text, ordinal: 1) == 0x50079662a98dd65a)
    }

    @Test func orderAndNullsDoNotMatter() {
        let one = sum(5, [("a", 1), ("b", 2)])
        #expect(sum(5, [("b", 2), ("a", 1), ("c", nil)]) == one)
        #expect(sum(5, [("a", 2), ("b", 1)]) != one)
        #expect(sum(5, [("a", 1), ("c", 2)]) != one)
        #expect(sum(6, [("a", 1), ("b", 2)]) != one)
    }

    @Test func offsetsAreNotNegative() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<10_000 { #expect(RowContent.offset(sum: random.next(), ordinal: random.next() % 9) >= 0) }
    }
}
