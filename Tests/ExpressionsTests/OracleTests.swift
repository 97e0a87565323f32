import Expressions
import FeatureModel
import FeatureTesting
import Testing

@Suite("Against the naive oracle")
struct OracleTests {
    /// More rows than registers hold, and not a multiple of them.
    private static let rowCount = 300

    @Test(arguments: TestSeeds.list(24))
    func randomExpressionsOverRandomRows(seed: UInt64) throws {
        var generator = NaiveGenerator(seed: seed)
        let rows = (0..<Self.rowCount).map { _ in generator.row() }
        let columns = TestRows(
            types: testFields.map(\.type),
            rows.map { row in testFields.map { row[$0.name] ?? .null } }
        )
        for round in 0..<25 {
            let type = ValueType.allCases[round % ValueType.allCases.count]
            let naive = generator.expression(type, depth: 1 + round % 5)
            let compiled: CompiledExpression
            do throws(ExpressionMistake) {
                compiled = try ParsedExpression(naive.text).compile(in: testScope)
            } catch {
                // A constant part that overflows is found before any row is read.
                #expect(error.message.hasPrefix("this constant overflows"), "\(error): \(naive.text)")
                continue
            }
            #expect(compiled.resultType == naive.type)
            let results = columns.evaluate(compiled)
            for (row, result) in zip(rows, results) {
                let expected = expected(naive, row)
                guard !result.isSame(as: expected) else { continue }
                Issue.record("\(naive.text) of \(row): \(result), not \(expected); \(TestSeeds.hint(seed))")
                return
            }
            // One row at a time, and any part of the rows, give the same.
            let first = Int.random(in: 0..<Self.rowCount, using: &generator.random)
            let last = Int.random(in: first...Self.rowCount, using: &generator.random)
            #expect(
                columns.evaluate(compiled, rows: first..<last).elementsEqual(results[first..<last]) {
                    $0.isSame(as: $1)
                }
            )
            let single = compiled.evaluate(testFields.map { rows[first % rows.count][$0.name] ?? .null })
            #expect(single.isSame(as: results[first % rows.count]))
            let canonical = try compile(compiled.canonicalText)
            #expect(
                columns.evaluate(canonical).elementsEqual(results) { $0.isSame(as: $1) },
                "\(compiled.canonicalText)"
            )
        }
    }

    private func expected(_ naive: NaiveExpression, _ row: [String: FeatureValue]) -> ExpressionResult {
        do {
            let value = try naive.value(row)
            // Equal numbers have equal bits.
            if case .float64(let number) = value { return .value(.float64(number + 0)) }
            return .value(value)
        } catch { return .overflow }
    }
}
