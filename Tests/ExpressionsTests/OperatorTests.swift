import Expressions
import FeatureModel
import Testing

@Suite("Operators")
struct OperatorTests {
    private static let one: [String: FeatureValue] = [
        "i": .int64(7), "x": .float64(2.5), "s": .string("ab"), "p": .bool(true),
        "u": .timestamp(Instant(microseconds: 5)),
    ]

    /// Every operation with one operand that is null: null, unless nulls are what it is about.
    @Test(arguments: [
        "j + i", "i - j", "j * i", "i / j", "j // i", "i % j", "y + x", "x - y", "y * x", "x / y", "y % x", "i + y",
        "-j", "-y",
        "j = i", "i <> j", "j < i", "i <= j", "y > x", "t >= s", "q = p", "v < u", "j between i and i",
        "i between j and 9",
        "j in (1, 2)", "i in (1, null)", "i in (j)", "t like 'a'", "s like null", "s || t", "not q", "q and p",
        "q or false", "abs(j)",
        "sign(y)", "floor(y)", "ceil(y)", "round(y)", "round(y, 2)", "trunc(y)", "sqrt(y)", "length(t)", "lower(t)",
        "upper(t)",
        "starts_with(t, s)", "ends_with(s, t)", "contains(s, t)", "substr(t, 1)", "substr(s, j)", "substr(s, 1, j)",
        "year(v)",
        "quarter(v)", "month(v)", "dayofmonth(v)", "dayofyear(v)", "dayofweek(v)", "isodow(v)", "hour(v)", "minute(v)",
        "second(v)",
        "epoch_us(v)", "date_trunc('day', v)", "cast(j as float64)", "cast(y as int64)", "cast(q as string)",
        "coalesce(j, j)",
        "greatest(j, j)", "nullif(j, i)", "nullif(i, i)", "case when q then 1 end", "case j when 7 then 1 end",
        "i + null", "null = i",
    ])
    func nullGivesNull(_ text: String) throws { #expect(try evaluate(text, Self.one) == .null) }

    @Test(arguments: [
        ("j is null", true), ("i is null", false), ("j is not null", false), ("j is distinct from i", true),
        ("j is distinct from j", false), ("j is not distinct from null", true), ("i is distinct from 7.0", false),
        ("q and false", false), ("false and q", false), ("q or true", true), ("true or q", true), ("q is true", false),
        ("q is not true", true), ("i between j and 3", false), ("i not between j and 3", true), ("i in (7, j)", true),
        ("i not in (7, j)", false), ("coalesce(q, true)", true), ("greatest(q, false) = false", true),
        ("case when q then false else true end", true), ("coalesce(j, i) = 7", true), ("nullif(i, j) = 7", true),
        ("least(j, i) = 7", true), ("null is null", true), ("nullif(null, 1) is null", true),
        ("null is distinct from 1", true),
    ])
    func nullsThatCount(text: String, expected: Bool) throws {
        #expect(try evaluate(text, Self.one) == .bool(expected))
    }

    @Test(arguments: [
        ("7 // 2", ExpressionResult.int(3)), ("-7 // 2", .int(-3)), ("-7 % 4", .int(-3)), ("7 % -4", .int(3)),
        ("7 / 2", .float(3.5)),
        ("i / 0", .null), ("i // 0", .null), ("i % 0", .null), ("x / 0", .null), ("x % 0.0", .null), ("0.0 / 0", .null),
        ("1 / -0.0", .null),
        ("5.5 % -2", .float(1.5)), ("-4.0 % 2", .float(0)), ("-0.0", .float(0)), ("0.0 * -1", .float(0)),
        ("ceil(-0.5)", .float(0)),
        ("round(2.5)", .float(3)), ("round(-2.5)", .float(-3)), ("round(0.49999999999999994)", .float(0)),
        ("round(2.675, 2)", .float(2.68)),
        ("round(1.005, 2)", .float(1)), ("round(1e300, 15)", .float(1e300)), ("round(5)", .int(5)),
        ("floor(7)", .float(7)), ("trunc(-2.7)", .float(-2)),
        ("sign(-3)", .int(-1)), ("sign(0.0)", .int(0)), ("sqrt(2)", .float(1.4142135623730951)),
        ("cast(2.5 as int64)", .int(2)),
        ("cast(3.5 as int64)", .int(4)), ("cast(-0.5 as int64)", .int(0)), ("cast(2 as bool)", .bool(true)),
        ("cast(true as float64)", .float(1)),
        ("cast(-5 as string)", .text("-5")), ("cast(false as varchar)", .text("false")),
        ("9007199254740993 = 9007199254740992.0", .bool(true)),
        ("9007199254740993 in (9007199254740992, 0.5)", .bool(true)),
        ("case 9007199254740993 when 9007199254740992 then 1 when 0.5 then 2 end", .null),
        ("greatest(1, 2.5, null)", .float(2.5)), ("coalesce(null, 1, 2.5)", .float(1)), ("nullif(1, 2.5)", .int(1)),
        ("true > false", .bool(true)),
        ("'é' < 'z'", .bool(false)), ("'a' < 'ab'", .bool(true)), ("'' < 'a'", .bool(true)),
        ("'abcdefgh1' < 'abcdefgh2'", .bool(true)),
        ("'B' < 'a'", .bool(true)), ("timestamp '2024-01-01' < timestamp '2024-01-02'", .bool(true)),
        ("least('b', 'a')", .text("a")),
    ])
    func values(text: String, expected: ExpressionResult) throws {
        #expect(try evaluate(text, Self.one).isSame(as: expected), "\(text)")
    }

    @Test(arguments: [
        "i + 1", "i * 2", "-1 - i - 1 - 1 - i", "abs(j)", "-j", "j // -1", "j % -1", "y * 10", "y + y", "y / 0.1",
        "-y - y", "sqrt(-y)",
        "cast(y as int64)", "j + i - i + j", "i + 1 is null", "i + 1 is distinct from 3", "coalesce(i + 1, 5)",
        "p and i + 1 > 0",
        "case when i + 1 > 0 then 1 end", "greatest(1, i + 1)", "nullif(i + 1, 3)", "q and i + 1 > 0",
        "i + 1 > 0 and false", "i + 1 in (2)",
        "null + (i + 1)", "substr(s, 4294967296)", "date_trunc('year', v)",
    ])
    func overflows(_ text: String) throws {
        let row: [String: FeatureValue] = [
            "i": .int64(.max), "j": .int64(.min), "y": .float64(.greatestFiniteMagnitude), "p": .bool(true),
            "s": .string("a"),
            "v": .timestamp(.distantPast),
        ]
        #expect(try evaluate(text, row) == .overflow)
    }

    /// What is not looked at does not count.
    @Test(arguments: [
        ("false and i + 1 > 0", ExpressionResult.bool(false)), ("true or i + 1 > 0", .bool(true)),
        ("coalesce(1, i + 1)", .int(1)),
        ("case when i > 0 then 1 else i + 1 end", .int(1)), ("case when q then i + 1 else 2 end", .int(2)),
        ("case i when 1 then i + 1 else 3 end", .int(3)),
        ("i in (i, i + 1)", .bool(true)), ("j between 0 and i + 1", .bool(false)),
        ("case when true then 1 when i + 1 > 0 then 2 end", .int(1)),
        ("j not between 0 and i + 1", .bool(true)), ("coalesce(null, case when p then i + 1 else 4 end)", .int(4)),
    ])
    func laziness(text: String, expected: ExpressionResult) throws {
        #expect(try evaluate(text, ["i": .int64(.max), "j": .int64(-1), "p": .bool(false)]) == expected)
    }

    @Test func inputsThatAreNotFiniteGiveNoValue() throws {
        for number in [Double.nan, .infinity, -.infinity] {
            #expect(try evaluate("x", ["x": .float64(number)]) == .overflow)
            #expect(try evaluate("x % 2", ["x": .float64(number)]) == .overflow)
            #expect(try evaluate("cast(x as int64)", ["x": .float64(number)]) == .overflow)
            for text in ["x > 1", "floor(x) = 1", "sign(x)", "round(x, 3) is null"] {
                _ = try evaluate(text, ["x": .float64(number)])
            }
        }
    }
}
