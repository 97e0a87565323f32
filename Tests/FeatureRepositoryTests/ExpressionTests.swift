// Filters and derived columns of views: what is read, what is reported and where, what it does to hashes.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct ExpressionTests {
    private static func view(_ more: String, _ aggregations: String = "{function: count, time_window: 7d}") -> String {
        """
        feature_views:
          - name: spend
            entity: customer
            source: orders
        \(more.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
            aggregations:
              - \(aggregations)
        """
    }

    private static func read(_ more: String, _ aggregations: String = "{function: count, time_window: 7d}") throws
        -> FeatureStoreDefinition
    {
        let files = Sample.files(
            views: view(more, aggregations),
            services: "feature_services: [{name: churn, features: [\"spend:*\"]}]"
        )
        return try Repository(parsing: files, environment: [:]).definition
    }

    @Test func aFilterAndColumnsAreRead() throws {
        let definition = try Self.read(
            "filter: PAID and (amount>0)\ncolumns: {net: amount * 0.9, big: amount > 100}".replacingPaid,
            "{column: net, function: sum, time_window: 7d}"
        )
        let view = definition.featureViews[0]
        #expect(view.filter?.text == "paid and amount > 0")
        #expect(view.filter?.type == .bool)
        #expect(view.filter?.fields == ["amount", "paid"])
        #expect(view.columns.map(\.name) == ["net", "big"])
        #expect(view.columns.map(\.expression.type) == [.float64, .bool])
        #expect(view.aggregations.map(\.name) == ["net_sum_7d"])
        #expect(
            view.storedColumns(of: definition.sources[0]).map(\.column.name)
                == ["= \(view.columns[0].expression.text)", "? paid and amount > 0"]
        )
        #expect(view.fields == ["amount", "paid"])
    }

    @Test func layoutDoesNotChangeTheHash() throws {
        let one = try Self.read("filter: paid and amount > 0")
        let other = try Self.read("filter: \"paid AND (amount>0)\"")
        #expect(definitionHash(of: one) == definitionHash(of: other))
        let another = try Self.read("filter: paid and amount > 1")
        #expect(definitionHash(of: one) != definitionHash(of: another))
        #expect(definitionHash(ofView: "spend", in: one) != definitionHash(ofView: "spend", in: another))
        #expect(
            definitionHash(ofService: "churn", version: 1, in: one)
                != definitionHash(ofService: "churn", version: 1, in: another)
        )
    }

    @Test(arguments: [
        ("filter: amuont > 0", "5:13: unknown name 'amuont'; did you mean 'amount'?"),
        ("filter: paid and amuont > 0", "5:22: unknown name 'amuont'; did you mean 'amount'?"),
        ("filter: \"paid and amuont > 0\"", "5:23: unknown name 'amuont'; did you mean 'amount'?"),
        ("filter: amount", "5:13: 'filter' must be true or false for each event, not float64"),
        (
            "columns: {amount: amount * 2}",
            "5:15: source 'orders' has a column 'amount' already; give the derived one another name"
        ),
    ])
    func mistakesHaveTheirPlace(more: String, expected: String) {
        let found = mistakes(Sample.files(views: Self.view(more), services: Sample.services.forCount))
        #expect(found == ["feature_views.yaml:" + expected])
    }

    /// A wrong expression is reported once: not again for the aggregations that use its column.
    @Test func aWrongColumnIsReportedOnce() {
        let found = mistakes(
            Sample.files(
                views: Self.view("columns: {net: amount * cty}", "{column: net, function: sum, time_window: 7d}"),
                services: "feature_services: [{name: churn, features: [\"spend:*\"]}]"
            )
        )
        #expect(found.count == 1 && found[0].hasPrefix("feature_views.yaml:5:29: unknown name 'cty'"), "\(found)")
    }

    @Test func plansShowThem() throws {
        let old = try Self.read("filter: paid")
        let new = try Self.read("filter: not paid\ncolumns: {net: amount * 2}")
        let text = Plan(from: old, to: new).text
        #expect(text.contains("~ filter: paid -> not paid"), "\(text)")
        #expect(text.contains("+ column net: amount * 2"), "\(text)")
        #expect(text.contains("count other events"), "\(text)")
    }
}

extension String {
    /// The sample's source has a field `paid`, in lower case.
    fileprivate var replacingPaid: String {
        split(separator: "PAID", omittingEmptySubsequences: false).joined(separator: "paid")
    }
    fileprivate var forCount: String { "feature_services: [{name: churn, features: [spend:count_7d]}]" }
}
