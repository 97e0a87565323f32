import Expressions
import FeatureModel
import Testing

@Suite("Strings and times")
struct StringAndTimeTests {
    @Test(arguments: [
        ("length('äöü')", ExpressionResult.int(3)), ("length('e\u{301}')", .int(2)), ("length('')", .int(0)),
        ("length('👨‍👩‍👧')", .int(5)),
        ("lower('ÄÖÜİ')", .text("äöüi")), ("upper('ßäﬁ')", .text("ẞÄﬁ")), ("upper('ǆ')", .text("Ǆ")),
        ("lower('ΑΣ')", .text("ασ")),
        ("upper('az{`')", .text("AZ{`")), ("lower('AZ[@')", .text("az[@")), ("upper('🏖𐐨')", .text("🏖𐐀")),
        ("starts_with('abc', 'ab')", .bool(true)), ("starts_with('', 'a')", .bool(false)),
        ("ends_with('abc', 'bc')", .bool(true)),
        ("ends_with('abc', '')", .bool(true)), ("contains('abc', 'd')", .bool(false)),
        ("contains('', '')", .bool(true)),
        ("substr('héllo', 2, 3)", .text("éll")), ("substr('hello', 0, 3)", .text("he")),
        ("substr('hello', -3, 2)", .text("ll")),
        ("substr('hello', 2, -1)", .text("h")), ("substr('hello', -10, 7)", .text("he")),
        ("substr('hello', 9)", .text("")),
        ("'abc' like 'a%'", .bool(true)), ("'a%c' like 'a\\%c'", .bool(false)), ("'ä' like '_'", .bool(true)),
        ("'' like ''", .bool(true)),
        ("'' like '%'", .bool(true)), ("'abcabd' like '%ab_'", .bool(true)), ("'abcab' like '%ab_'", .bool(false)),
        ("'ABC' like 'abc'", .bool(false)),
        ("'a' || 'b' || 'c'", .text("abc")), ("'a' not like 'b'", .bool(true)), ("'日本語' like '_本%'", .bool(true)),
    ])
    func strings(text: String, expected: ExpressionResult) throws { #expect(try evaluate(text) == expected, "\(text)") }

    /// The search for long parts takes another way than the one for short ones.
    @Test func longPartsAreFound() throws {
        let part = String(repeating: "ab", count: 20) + "c"
        for (text, isThere) in [
            (String(repeating: "ab", count: 500) + "c" + "x", true), (String(repeating: "ab", count: 500), false),
            (part, true),
        ] {
            #expect(try evaluate("contains(s, t)", ["s": .string(text), "t": .string(part)]) == .bool(isThere))
        }
    }

    @Test(arguments: [
        ("2024-02-29T23:59:59.999999Z", [2024, 1, 2, 29, 60, 4, 4, 23, 59, 59]),
        ("1969-12-31T23:59:59Z", [1969, 4, 12, 31, 365, 3, 3, 23, 59, 59]),
        ("1970-01-01T00:00:00Z", [1970, 1, 1, 1, 1, 4, 4, 0, 0, 0]),
        ("1900-03-01T12:30:00Z", [1900, 1, 3, 1, 60, 4, 4, 12, 30, 0]),
        ("2000-12-31T00:00:00Z", [2000, 4, 12, 31, 366, 0, 7, 0, 0, 0]),
        ("0001-01-01T00:00:00Z", [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]),
    ])
    func timeParts(time: String, expected: [Int64]) throws {
        let instant = try #require(Instant(iso8601: time))
        let parts = [
            "year", "quarter", "month", "dayofmonth", "dayofyear", "dayofweek", "isodow", "hour", "minute", "second",
        ]
        for (part, number) in zip(parts, expected) {
            #expect(try evaluate("\(part)(u)", ["u": .timestamp(instant)]) == .int(number), "\(part)")
        }
        #expect(try evaluate("epoch_us(u)", ["u": .timestamp(instant)]) == .int(instant.microseconds))
    }

    @Test(arguments: [
        ("second", "1960-05-03T04:05:06Z"), ("minute", "1960-05-03T04:05:00Z"), ("HOUR", "1960-05-03T04:00:00Z"),
        ("day", "1960-05-03T00:00:00Z"),
        ("week", "1960-05-02T00:00:00Z"), ("month", "1960-05-01T00:00:00Z"), ("quarter", "1960-04-01T00:00:00Z"),
        ("year", "1960-01-01T00:00:00Z"),
    ])
    func truncation(unit: String, expected: String) throws {
        let start = try #require(Instant(iso8601: expected))
        let text = "date_trunc('\(unit)', timestamp '1960-05-03T04:05:06.789123Z')"
        #expect(try evaluate(text) == .value(.timestamp(start)))
    }

    /// Every part of the first and the last instants there are.
    @Test func theEndsOfTime() throws {
        let parts = ["year", "month", "dayofyear", "isodow", "hour", "second"]
        for instant in [Instant.distantPast, .distantFuture] {
            let found = try parts.map { try evaluate("\($0)(u)", ["u": .timestamp(instant)]) }
            let expected: [Int64] =
                instant == .distantPast ? [-290_308, 12, 356, 7, 19, 5] : [294_247, 1, 10, 7, 4, 54]
            #expect(found == expected.map { .int($0) })
        }
        #expect(try evaluate("date_trunc('second', u)", ["u": .timestamp(.distantPast)]) == .overflow)
    }
}
