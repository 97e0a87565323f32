import FeatureModel
import FeatureTesting
import Testing
import TrainingSets

/// Rows ordered by counting stand where a plain sort puts them.
@Suite struct LabelOrderTests {
    private static func keys(_ random: inout SplitMix64) -> [[UInt8]] {
        let count = [1, 2, 5, 300].randomElement(using: &random) ?? 5
        let kind = Int.random(in: 0..<4, using: &random)
        return (0..<count).map { _ in
            let number = Int64.random(in: kind == 0 ? -3...3 : Int64.min...Int64.max, using: &random)
            let text =
                String(repeating: "x", count: Int.random(in: 0...12, using: &random)) + ["", "a", "\u{e9}"][count % 3]
            let values: [FeatureValue] =
                switch kind {
                case 0, 1: [.int64(number)]
                case 2: [.string(text)]
                default: [.int64(number % 3), .string(text), .int64(number)]
                }
            return EntityKey.encode(values) ?? []
        }
    }

    @Test(arguments: TestSeeds.list(20))
    func equalsAPlainSort(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<40 {
            let keys = Self.keys(&random)
            let spans: [Int64] = [1, 300, .max]
            let span = spans.randomElement(using: &random) ?? 1
            var rows: [(key: [UInt8], asOf: Int64)] = (0..<Int.random(in: 0...400, using: &random)).map { _ in
                (keys.randomElement(using: &random) ?? [], Int64.random(in: -span...span, using: &random))
            }
            if random.oneIn(3) { rows.sort { $0.asOf < $1.asOf } }
            var labels = LabelRows()
            for row in rows {
                row.key.withUnsafeBytes { labels.append(key: $0, asOf: Instant(microseconds: row.asOf)) }
            }
            let wanted = rows.indices.sorted { a, b in
                if rows[a].key != rows[b].key { return rows[a].key.lexicographicallyPrecedes(rows[b].key) }
                return (rows[a].asOf, a) < (rows[b].asOf, b)
            }
            #expect(labels.ordered().map { Int($0) } == wanted, "\(TestSeeds.hint(seed))")
            let ordered = wanted.map { rows[$0] }
            let keysInOrder = PackedKeys(ordered.map(\.key))
            let again = LabelRows(keys: keysInOrder, asOf: ordered.map { Instant(microseconds: $0.asOf) })
            #expect(again.ordered().map { Int($0) } == Array(ordered.indices), "\(TestSeeds.hint(seed))")
        }
    }
}
