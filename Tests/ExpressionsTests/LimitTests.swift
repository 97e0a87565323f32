import Expressions
import FeatureModel
import FeatureTesting
import Testing

@Suite("Limits")
struct LimitTests {
    private static let textBytesMax = 16 * 1024
    private static let depthMax = 64

    @Test(arguments: [-1, 0, 1])
    func bytes(beyond: Int) throws {
        let text = "i" + String(repeating: " ", count: Self.textBytesMax + beyond - 2) + "+"
        #expect(text.utf8.count == Self.textBytesMax + beyond)
        let found = try #require(mistake(text))
        let isTooLong = found.message == "an expression has at most 16384 bytes, not \(text.utf8.count)"
        #expect(isTooLong == (beyond > 0))
        #expect(found.offset == min(text.utf8.count, Self.textBytesMax))
    }

    @Test(arguments: [-1, 0, 1])
    func nesting(beyond: Int) {
        let depth = Self.depthMax + beyond
        let forms: [(String, String)] = [
            ("(", ")"), ("-", ""), ("abs(", ")"), ("cast(", " as int64)"), ("case when p then ", " end"),
            ("coalesce(1, ", ")"),
        ]
        for (open, close) in forms {
            // "--" would be a comment.
            let opening = String(repeating: open == "-" ? "- " : open, count: depth)
            let text = opening + "i" + String(repeating: close, count: depth)
            let found = mistake(text)
            #expect((found == nil) == (beyond <= 0), "\(open)")
            if let found {
                #expect(found.message == "an expression nests at most 64 deep")
                #expect(found.offset == opening.utf8.count / depth * (depth - 1))
            }
        }
        let nots = String(repeating: "not ", count: depth) + "p"
        #expect((mistake(nots) == nil) == (beyond <= 0))
    }

    @Test func breadthIsNotDepth() throws {
        let rows = TestRows(
            types: testFields.map(\.type),
            [
                [.int64(1), .null, .float64(1), .null, .string("ab"), .null, .bool(true), .null, .null, .null]
            ]
        )
        let sum = try compile("i" + String(repeating: "+i", count: 8000))
        #expect(rows.evaluate(sum) == [.int(8001)])
        let text = try compile("length(s" + String(repeating: "||s", count: 5000) + ")")
        #expect(rows.evaluate(text) == [.int(10_002)])
        let all = try compile("p" + String(repeating: " and p", count: 2500))
        #expect(rows.evaluate(all) == [.bool(true)])
        let list = try compile("i in (" + (2...3000).map(String.init).joined(separator: ",") + ")")
        #expect(rows.evaluate(list) == [.bool(false)])
        let items = try compile("i in (0" + String(repeating: ",i", count: 3000) + ")")
        #expect(rows.evaluate(items) == [.bool(true)])
        let branches = try compile("case" + String(repeating: " when i=0 then i", count: 900) + " else 5 end")
        #expect(rows.evaluate(branches) == [.int(5)])
    }

    @Test(arguments: [62, 63, 64, 65])
    func inputs(index: Int) throws {
        let fields = (0...index).map { Field(name: "c\($0)", type: .int64) }
        let scope = ExpressionScope(fields)
        let found = mistake("1 + c\(index)", scope)
        if index < 64 {
            let row = [FeatureValue](repeating: .int64(0), count: index) + [.int64(5)]
            #expect(try compile("1 + c\(index)", scope).evaluate(row) == .int(6))
        } else {
            #expect(found?.message == "'c\(index)' is input \(index + 1); an expression reads at most 64")
            #expect(found?.offset == 4)
        }
        // Numbered by use, a scope may be of any size.
        let used = try ParsedExpression("c\(index) - c1").compile(in: scope, numbering: .used)
        #expect(used.inputs == [1, index])
        #expect(used.evaluate([.int64(2), .int64(9)]) == .int(7))
    }

    @Test func sixtyFourInputsAreUsedTogether() throws {
        let scope = ExpressionScope((0..<100).map { Field(name: "c\($0)", type: .int64) })
        let text = (36..<100).map { "c\($0)" }.joined(separator: "+")
        let sum = try ParsedExpression(text).compile(in: scope, numbering: .used)
        #expect(sum.evaluate([FeatureValue](repeating: .int64(2), count: 64)) == .int(128))
        #expect(throws: ExpressionMistake.self) {
            _ = try ParsedExpression(text + "+c0").compile(in: scope, numbering: .used)
        }
    }

    /// A made string has at most 64 KiB; one that was there may be longer.
    @Test(arguments: [-1, 0, 1])
    func madeStrings(beyond: Int) throws {
        let long = String(repeating: "a", count: 65_536 + beyond - 1)
        let result: ExpressionResult = beyond > 0 ? .overflow : .int(Int64(65_536 + beyond))
        #expect(try evaluate("length(s || 'b')", ["s": .string(long)]) == result)
        #expect(try evaluate("length(lower(s))", ["s": .string(long + "X")]) == result)
        #expect(try evaluate("length(s)", ["s": .string(long + "X")]) == .int(Int64(65_536 + beyond)))
        #expect(try evaluate("substr(s, 2) is null", ["s": .string(long + "X")]) == .bool(false))
    }

    /// Kelvin signs have three bytes and become letters of one.
    @Test func aLongTextMayShrink() throws {
        let text = String(repeating: "\u{212a}", count: 65_536)
        #expect(try evaluate("length(lower(s))", ["s": .string(text)]) == .int(65_536))
        #expect(try evaluate("lower(s)", ["s": .string(text + "\u{212a}")]) == .overflow)
    }

    /// 300 rows that make 64 KiB each, several times over, do not fit together; results do not show it.
    @Test func manyMadeStrings() throws {
        let rows = (0..<300).map { row in
            [FeatureValue.string(String(repeating: row % 2 == 0 ? "a" : "B", count: 30_000 + row))]
        }
        let scope = ExpressionScope([Field(name: "s", type: .string)])
        let expression = try compile("length(upper(s || s)) + length(lower(s || s))", scope)
        let results = TestRows(types: [.string], rows).evaluate(expression)
        #expect(results == (0..<300).map { .int(Int64(4 * (30_000 + $0))) })
    }
}
