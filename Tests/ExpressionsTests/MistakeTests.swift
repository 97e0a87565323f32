import Expressions
import FeatureModel
import Testing

@Suite("Mistakes")
struct MistakeTests {
    /// The text, where the mistake is, and what it says.
    @Test(arguments: [
        ("", 0, "an expression cannot be empty"), ("  ", 0, "an expression cannot be empty"),
        ("1 +", 3, "expected a value, found the end"), ("(1", 2, "expected ')', found the end"),
        ("1 2", 2, "expected the end of the expression, found '2'"),
        ("1)", 1, "expected the end of the expression, found ')'"),
        ("i; j", 1, "';' has no place in an expression"),
        ("i -- j", 2, "an expression has no comments; write - (-x) for a negated negative"),
        ("i /* j */", 2, "an expression has no comments"), ("i\u{a0}+ 1", 1, "U+a0 has no place in an expression"),
        ("ä", 0, "U+e4 has no place in an expression"), ("i = 'a", 4, "this text has no closing '"),
        ("\"i", 0, "this name has no closing \""), ("\"\"", 0, "a name cannot be empty"),
        ("1.2.3", 0, "a number is digits with at most one point and an exponent, such as 1.5e3"),
        ("i + 1a", 4, "a number is digits with at most one point and an exponent, such as 1.5e3"),
        ("1e+", 0, "a number's exponent needs digits"), ("1e999", 0, "1e999 does not fit float64"),
        ("9223372036854775808", 0, "9223372036854775808 does not fit int64; write it with a point for float64"),
        ("i < j < 3", 6, "'<' cannot follow here; join comparisons with 'and', or use parentheses"),
        ("s like 'a' like 'b'", 11, "'like' cannot follow here; use parentheses"),
        ("i is null = p", 10, "'=' cannot follow here; join comparisons with 'and', or use parentheses"),
        ("i = not p", 4, "'not' needs parentheses here: (not ...)"),
        ("p not q", 2, "'not' between operands goes with between, in or like"),
        ("i is 3", 5, "expected null, true, false or 'distinct from' behind 'is', found '3'"),
        ("i is distinct j", 14, "expected 'from' behind 'distinct', found 'j'"),
        ("i between 1", 11, "expected 'and' between the bounds of 'between', found the end"),
        ("i in 3", 5, "expected '(' and the list of 'in', found '3'"),
        ("i in ()", 2, "the list of 'in' cannot be empty"),
        ("case end", 5, "expected a value, found 'end'"),
        ("case when p then 1", 18, "expected 'when', 'else' or 'end', found the end"),
        ("case when p 1 end", 12, "expected 'then', found '1'"),
        ("case when p then 1 else 2", 25, "expected 'end', found the end"),
        ("cast(i as)", 9, "expected a type, found ')'"),
        ("i::flaot64", 3, "unknown type 'flaot64'; did you mean 'float64'?"),
        ("a.b.c", 3, "expected a name with at most one dot, found '.'"),
        ("a.", 2, "expected a name behind '.', found the end"),
        ("sqr(x)", 0, "unknown function 'sqr'; did you mean 'sqrt'?"),
        (
            "1 + absolute(x)", 4,
            "unknown function 'absolute'; functions: coalesce, nullif, greatest, least, abs, sign, floor, ceil, round, trunc, sqrt, length, lower, upper, starts_with, ends_with, contains, substr, year, quarter, ..."
        ),
        ("abs()", 0, "'abs' takes 1 argument, not 0"), ("abs(i, j)", 0, "'abs' takes 1 argument, not 2"),
        ("coalesce()", 0, "'coalesce' takes at least 1 argument, not 0"),
        ("substr(s)", 0, "'substr' takes 2 to 3 arguments, not 1"),
        ("nullif(i)", 0, "'nullif' takes 2 arguments, not 1"),
        ("timestamp 'soon'", 10, "'soon' is not a time; write ISO 8601, such as timestamp '2026-11-24T08:15:00Z'"),
        (
            "timestamp '9999-12-31T23:59:59-01:00'", 10,
            "'9999-12-31T23:59:59-01:00' is not a time; write ISO 8601, such as timestamp '2026-11-24T08:15:00Z'"
        ),
    ])
    func ofTheGrammar(text: String, offset: Int, message: String) {
        #expect(mistake(text)?.message == message)
        #expect(mistake(text)?.offset == offset)
    }

    @Test(arguments: [
        ("amount", 0, "unknown name 'amount'; names: i, j, x, y, s, t, p, q, u, v"),
        ("i + request.i", 4, "unknown name 'request.i'; did you mean 'i'?"),
        ("1 + s", 4, "'+' takes int64 or float64, not string"), ("p * 2", 0, "'*' takes int64 or float64, not bool"),
        ("u - v", 0, "'-' takes int64 or float64, not timestamp; epoch_us(...) is its number of microseconds"),
        ("1.5 // 2", 0, "'//' takes int64, not float64"), ("-s", 1, "'-' takes int64 or float64, not string"),
        ("i = s", 4, "cannot compare int64 with string"), ("p < 1", 4, "cannot compare bool with int64"),
        (
            "u > '2024-01-01'", 4,
            "cannot compare timestamp with string; write timestamp '2026-11-24T08:15:00Z', for example"
        ),
        ("i in (1, 2.5, 'a')", 14, "cannot compare float64 with string"),
        ("i between 1 and s", 16, "cannot compare int64 with string"),
        ("p and i", 6, "'and' takes bool, not int64"), ("not i", 4, "'not' takes bool, not int64"),
        ("i or p", 0, "'or' takes bool, not int64"),
        ("s || i", 5, "'||' takes string, not int64; write cast(... as string)"),
        ("s like t", 7, "the pattern of 'like' must be a constant"),
        ("s like 1", 7, "'like' takes string, not int64; write cast(... as string)"),
        ("case when i then 1 end", 10, "'when' takes bool, not int64"),
        ("case when p then 1 else s end", 24, "the results of 'case' have one type, not int64 and string"),
        ("case i when 's' then 1 end", 12, "cannot compare int64 with string"),
        ("coalesce(i, p)", 12, "the arguments of 'coalesce' have one type, not int64 and bool"),
        ("greatest(i, s)", 12, "cannot compare int64 with string"),
        ("sqrt(s)", 5, "'sqrt' takes int64 or float64, not string"),
        ("length(i + j)", 7, "'length' takes string, not int64; write cast(... as string)"),
        ("substr(s, x)", 10, "'substr' takes int64, not float64"), ("hour(i)", 5, "'hour' takes timestamp, not int64"),
        ("date_trunc(s, u)", 11, "the unit of 'date_trunc' must be a constant, such as 'day'"),
        ("date_trunc('dya', u)", 11, "unknown unit 'dya'; did you mean 'day'?"),
        ("round(x, i)", 9, "the digits of 'round' must be a constant from 0 to 15"),
        ("round(x, 16)", 9, "the digits of 'round' must be a constant from 0 to 15"),
        ("round(i, 2)", 6, "'round' takes float64, not int64"), ("cast(s as int64)", 0, "string has no cast to int64"),
        ("x::string", 1, "float64 has no cast to string"),
        ("cast(u as int64)", 0, "timestamp has no cast to int64; epoch_us(...) is its microseconds"),
        ("null", 0, "this is always null and has no type; write cast(null as float64), for example"),
        ("null + null", 0, "this is always null and has no type; write cast(null as float64), for example"),
        ("i + (9223372036854775807 + 1)", 25, "this constant overflows: its value does not fit int64"),
        ("case when p then 1e308 * 10 else 0 end", 23, "this constant overflows: its value does not fit float64"),
        ("sqrt(-1)", 0, "this constant overflows: its value does not fit float64"),
        ("-(-9223372036854775808)", 0, "this constant overflows: its value does not fit int64"),
    ])
    func ofNamesAndTypes(text: String, offset: Int, message: String) {
        #expect(mistake(text)?.message == message)
        #expect(mistake(text)?.offset == offset)
    }

    @Test func theCaretStandsUnderThePlace() throws {
        let text = "i = 1\n  and\tamuont > 1\nor p"
        let found = try #require(mistake(text))
        #expect(found.offset == 12)
        #expect(found.marked(in: text) == "  and\tamuont > 1\n     \t^")
        #expect(found.description.hasPrefix("column 13: unknown name 'amuont'"))
        let cut = try #require(mistake("i +"))
        #expect(cut.marked(in: "i +") == "i +\n   ^")
    }
}
