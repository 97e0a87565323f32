import Expressions
import FeatureModel
import Testing

@Suite("Grammar")
struct GrammarTests {
    /// What is written, and its canonical text.
    @Test(arguments: [
        ("amount", "amount"), ("  Amount ", "Amount"), ("((a))", "a"), ("\"a\"", "a"), ("\"a b\"", "\"a b\""),
        ("\"say \"\"x\"\"\"", "\"say \"\"x\"\"\""), ("\"case\"", "\"case\""), ("\"1a\"", "\"1a\""), ("_x1", "_x1"),
        ("request.amount", "request.amount"), ("request . \"a b\"", "request.\"a b\""), ("\"a.b\"", "\"a.b\""),
        ("1", "1"), ("007", "7"), ("1.50", "1.5"), (".5", "0.5"), ("5.", "5.0"), ("1e3", "1000.0"),
        ("1E+300", "1e+300"),
        ("-1", "-1"), ("- 1.5", "-1.5"), ("-(1)", "-1"), ("-9223372036854775808", "-9223372036854775808"),
        ("'it''s'", "'it''s'"), ("'ä'", "'ä'"), ("NULL", "null"), ("TRUE", "true"), ("False", "false"),
        ("timestamp '2024-02-03'", "timestamp '2024-02-03T00:00:00Z'"),
        ("TIMESTAMP'2024-02-03 01:00:00+01:00'", "timestamp '2024-02-03T00:00:00Z'"), ("timestamp", "timestamp"),
        ("a=1 AND b!=2", "a = 1 and b <> 2"), ("a==1", "a = 1"), ("a\n+\tb", "a + b"),
        ("a IS NOT NULL", "a is not null"), ("a is true", "a is not distinct from true"),
        ("a is not false", "a is distinct from false"), ("a NOT IN(1,2)", "a not in (1, 2)"),
        ("CEILING(x)", "ceil(x)"), ("Substring(s,1)", "substr(s, 1)"), ("day(u)", "dayofmonth(u)"),
        ("x::BIGINT", "cast(x as int64)"), ("cast(x AS Double)::text", "cast(cast(x as float64) as string)"),
        ("-x::double", "-cast(x as float64)"), ("-1::double", "-cast(1 as float64)"),
        ("(-1)::double", "cast(-1 as float64)"),
        ("CASE WHEN a THEN 1 END", "case when a then 1 end"),
        ("case x when 1 then 2 when 3 then 4 else 5 end", "case x when 1 then 2 when 3 then 4 else 5 end"),
        ("a - -b", "a - -b"), ("- (-a)", "-(-a)"), ("- - 5", "-(-5)"), ("a - -5", "a - -5"),
    ])
    func canonicalText(text: String, canonical: String) throws {
        #expect(try ParsedExpression(text).canonicalText == canonical)
        #expect(try ParsedExpression(canonical).canonicalText == canonical)
    }

    /// Brackets that say what the grammar does anyway, and none.
    @Test(arguments: [
        ("a or (b and c)", "a or b and c"), ("(not a) and b", "not a and b"), ("not (a = b)", "not a = b"),
        ("not (a is null)", "not a is null"), ("(a = b) is null", "a = b is null"), ("(a = 1) = b", "(a = 1) = b"),
        ("a = (b in (1))", "a = b in (1)"), ("a = (b between 1 and 2)", "a = b between 1 and 2"),
        ("(a || b) like 'x'", "a || b like 'x'"), ("(a + b) || c", "a + b || c"), ("(a * b) + c", "a * b + c"),
        ("(a - b) - c", "a - b - c"), ("a - (b - c)", "a - (b - c)"), ("(a // b) * c", "a // b * c"),
        ("a * (b // c)", "a * (b // c)"), ("(-a) * b", "-a * b"), ("-(a * b)", "-(a * b)"),
        ("(a between 1 and 2) and b", "a between 1 and 2 and b"),
        ("a between (1) and (2 + 3)", "a between 1 and 2 + 3"),
        ("a between (b and c) and 2", "a between (b and c) and 2"), ("not (a in (1))", "not a in (1)"),
        ("(a and b) or (c and d)", "a and b or c and d"), ("(a or b) and c", "(a or b) and c"),
        ("not (not a)", "not not a"), ("(a is null) is null", "a is null is null"),
        ("(a < b) in (c)", "(a < b) in (c)"),
        ("(a is distinct from b) is null", "a is distinct from b is null"),
        ("a is distinct from (b = c)", "a is distinct from (b = c)"),
        ("a and (b and c)", "a and (b and c)"), ("a || (b || c)", "a || (b || c)"), ("-((-1))", "-(-1)"),
        ("-(a)::double", "-cast(a as float64)"),
    ])
    func precedence(bracketed: String, canonical: String) throws {
        let expression = try ParsedExpression(bracketed)
        #expect(expression.canonicalText == canonical)
        #expect(try ParsedExpression(canonical) == expression)
    }

    @Test func namesComeOnceInOrder() throws {
        let names = try ParsedExpression("b + request.a * b / \"c d\"").names
        #expect(names == [ExpressionName("b"), ExpressionName(qualifier: "request", "a"), ExpressionName("c d")])
    }

    @Test func qualifiedNamesAreTheirOwn() throws {
        let scope = ExpressionScope([
            .init(ExpressionName("a.b"), .int64), .init(ExpressionName(qualifier: "a", "b"), .string),
            .init(ExpressionName("A"), .bool), .init(ExpressionName("a.b"), .bool),
        ])
        #expect(try compile("\"a.b\"", scope).resultType == .int64)
        #expect(try compile("a.b", scope).resultType == .string)
        #expect(try compile("A", scope).inputs == [2])
        #expect(mistake("a", scope)?.message == "unknown name 'a'; did you mean 'A'?")
    }
}
