import FeatureHistory
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import Ingest

/// Filters and derived columns: what is stored beside an event, and what becomes of a record whose expression does not fit.
@Suite struct ExpressionIntakeTests {
    private static func expression(_ text: String, _ type: ValueType, _ fields: [String]) -> EventExpression {
        EventExpression(text: text, type: type, fields: fields)
    }

    private static let net = expression("amount * 2", .float64, ["amount"])
    private static let next = expression("quantity + 1", .int64, ["quantity"])
    private static let label = expression("name || '!'", .string, ["name"])
    private static let filter = expression("flag and amount > 0", .bool, ["amount", "flag"])

    /// One view that filters and derives, and one that does neither.
    private static func definition() -> FeatureStoreDefinition {
        var definition = Purchases.definition()
        let entity = definition.featureViews[0].entity
        definition.featureViews = [
            FeatureView(
                name: "derived",
                entity: entity,
                source: "purchases",
                filter: filter,
                columns: [
                    DerivedColumn(name: "net", expression: net), DerivedColumn(name: "next", expression: next),
                    DerivedColumn(name: "label", expression: label),
                ],
                aggregations: [
                    Aggregation(function: .sum, column: "net", timeWindow: .lifetime),
                    Aggregation(function: .sum, column: "next", timeWindow: .lifetime),
                    Aggregation(function: .last, column: "label", timeWindow: .lifetime),
                    Aggregation(function: .count, timeWindow: .lifetime),
                ]
            ),
            FeatureView(
                name: "plain",
                entity: entity,
                source: "purchases",
                aggregations: [Aggregation(function: .count, timeWindow: .lifetime)]
            ),
        ]
        return definition
    }

    /// The stored columns of the one row that is there.
    private func row(_ bench: IntakeBench) -> [String: FeatureValue] {
        var values: [String: FeatureValue] = [:]
        let batch = bench.intake.batches[0]
        for (column, stored) in bench.intake.plan.targets[0].history.columns.enumerated() {
            guard !batch.isNull(column, 0) else { continue }
            let slot = batch.column(column)[0]
            switch batch.types[column] {
            case .int64: values[stored.field.name] = .int64(Int64(bitPattern: slot))
            case .float64: values[stored.field.name] = .float64(Double(bitPattern: slot))
            case .bool: values[stored.field.name] = .bool(slot != 0)
            case .string: values[stored.field.name] = .string(String(decoding: batch.string(slot), as: UTF8.self))
            case .timestamp: break
            }
        }
        return values
    }

    @Test(arguments: [
        (
            #","amount":1.5,"quantity":-3,"name":"x","flag":true}"#,
            [
                "= amount * 2": FeatureValue.float64(3), "= quantity + 1": .int64(-2), "= name || '!'": .string("x!"),
                "? flag and amount > 0": .bool(true),
            ]
        ),
        // False and null alike leave no mark; what an expression reads may be null.
        (#","amount":-1,"flag":true}"#, ["= amount * 2": .float64(-2)]),
        (#","amount":1}"#, ["= amount * 2": .float64(2)]), ("}", [:]),
        (#","amount":0,"flag":true}"#, ["= amount * 2": .float64(0)]),
    ])
    func columnsAreStored(tail: String, expected: [String: FeatureValue]) throws {
        let bench = try IntakeBench(Self.definition())
        bench.add(Array((RecordIntakeTests.head + tail).utf8))
        bench.intake.computeExpressions()
        #expect(bench.intake.acceptedCount == 1)
        #expect(row(bench) == expected)
    }

    /// Of many records of a commit those whose expression overflows are dead letters, and no other is touched.
    @Test func whatDoesNotFitIsADeadLetter() throws {
        let bench = try IntakeBench(Self.definition())
        bench.intake.removeAll()
        for number in 0..<600 {
            let quantity = number % 5 == 3 ? "9223372036854775807" : "\(number)"
            bench.add(
                Array((RecordIntakeTests.head + #","name":"n\#(number)","quantity":\#(quantity)}"#).utf8),
                offset: Int64(number),
                number: number
            )
        }
        bench.intake.computeExpressions()
        let kept = (0..<600).filter { $0 % 5 != 3 }
        #expect(bench.intake.rejections.map(\.record) == (0..<600).filter { $0 % 5 == 3 })
        #expect(bench.intake.rejections.allSatisfy { $0.reason == .expressionOverflow })
        let batch = bench.intake.batches[0]
        let columns = bench.intake.plan.targets[0].history
        let next = try #require(columns.column("= quantity + 1")?.index)
        let label = try #require(columns.column("= name || '!'")?.index)
        #expect((0..<batch.count).map { batch.offsets[$0] } == kept.map { Int64($0) })
        #expect((0..<batch.count).map { Int64(bitPattern: batch.column(next)[$0]) } == kept.map { Int64($0) + 1 })
        #expect(
            (0..<batch.count).map { String(decoding: batch.string(batch.column(label)[$0]), as: UTF8.self) }
                == kept.map { "n\($0)!" }
        )
    }

    /// Two views with one filter share its column; the view without a filter has none.
    @Test func viewsShareColumns() throws {
        var definition = Self.definition()
        definition.featureViews[1].filter = Self.filter
        let bench = try IntakeBench(definition)
        let names = bench.intake.plan.targets[0].history.columns.map(\.field.name)
        #expect(
            names.sorted() == ["= amount * 2", "= name || '!'", "= quantity + 1", "? flag and amount > 0"],
            "\(names)"
        )
        #expect(bench.intake.plan.expressions.count == 4)
    }
}
