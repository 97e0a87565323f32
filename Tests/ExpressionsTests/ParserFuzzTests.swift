import Expressions
import FeatureModel
import FeatureTesting
import Testing

@Suite("Hostile texts")
struct ParserFuzzTests {
    private static let pieces = [
        "i", "x", "s", "p", "u", "\"a b\"", "request", ".", "1", "2.5", "1e308", "9223372036854775807", "-", "--", "+",
        "*", "/", "//",
        "%", "||", "=", "==", "<>", "<", ">=", "::", "(", ")", "(", ")", ",", "and", "or", "not", "is", "null", "true",
        "false", "in",
        "like", "between", "distinct", "from", "case", "when", "then", "else", "end", "cast", "as", "int64", "varchar",
        "abs(",
        "coalesce(", "substr(", "date_trunc('day',", "round(", "timestamp '2024-01-01'", "'a%'", "''", "'", "\"", ";",
        "\u{0}", "ä", "🏖",
        "\n", "e", "0", ".5", "'it''s'", "length(", "nullif(", "greatest(",
    ]

    /// Any bytes that are a text: an expression or a mistake inside it, never a trap. What parses prints to itself.
    @Test(arguments: TestSeeds.list(20))
    func piecesInAnyOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            let count = random.skewed(below: 40) + 1
            let text = (0..<count).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
                .joined(separator: random.oneIn(3) ? "" : " ")
            try check(text, seed)
        }
    }

    @Test(arguments: TestSeeds.list(10, from: 100))
    func damagedExpressions(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var generator = NaiveGenerator(seed: seed)
        for _ in 0..<200 {
            var bytes = Array(generator.expression(.bool, depth: 4).text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 32...126, using: &random), at: place)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                default: bytes = Array(bytes[..<place])
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            try check(String(decoding: bytes, as: UTF8.self), seed)
        }
    }

    private func check(_ text: String, _ seed: UInt64) throws {
        do throws(ExpressionMistake) {
            let parsed = try ParsedExpression(text)
            let again = try ParsedExpression(parsed.canonicalText)
            #expect(again.canonicalText == parsed.canonicalText, "\(text): \(TestSeeds.hint(seed))")
            let compiled = try parsed.compile(in: testScope)
            let row = testFields.map { _ in FeatureValue.null }
            _ = compiled.evaluate(row)
        } catch {
            let isInside = error.offset >= 0 && error.offset <= text.utf8.count
            #expect(isInside, "\(text): \(error); \(TestSeeds.hint(seed))")
            #expect(!error.marked(in: text).isEmpty)
        }
    }
}
