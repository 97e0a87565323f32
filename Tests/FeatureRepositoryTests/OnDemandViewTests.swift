// On-demand feature views: what is read, what is reported and where, what they do to plans and hashes.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct OnDemandViewTests {
    private static let two = """
        feature_views:
          - name: spend
            entity: customer
            source: orders
            aggregations:
              - {function: count, time_window: [7d, 30d]}
              - {column: amount, function: sum, time_window: 7d}
              - {column: city, function: last_n, n: 3, time_window: 7d}
          - name: visits
            entity: customer
            source: orders
            aggregations:
              - {function: count, time_window: 7d}
              - {column: city, function: last, time_window: 7d, name: case}

        """

    /// Two views, and below them one on-demand view, `risk`, whose `features:` stand on line 21 and below.
    private static func views(_ features: String..., sources: String = "[spend, visits]") -> String {
        """
        \(two)on_demand_feature_views:
          - name: risk
            sources: \(sources)
            request: {amount: float64, city: string}
            description: x
            features:

        """ + features.map { "      " + $0 }.joined(separator: "\n")
    }

    private static func read(_ views: String, services: String = "feature_services: []") throws
        -> FeatureStoreDefinition
    {
        try Sample.definition(views: views, services: services)
    }

    private static func problems(_ views: String, services: String = "feature_services: []") -> [String] {
        mistakes(Sample.files(views: views, services: services))
    }

    @Test func namesAreResolved() throws {
        let definition = try Self.read(
            Self.views(
                "ratio: amount_sum_7d / NULLIF(spend.count_7d, 0)",
                "unusual: \"(request.amount) > 3 * amount_sum_7d\"",
                "same_city: request.city = visits.\"case\"",
                "plain_case: \"\\\"case\\\"\"",
                "constant: 1"
            ),
            services: "feature_services: [{name: s, features: [\"risk:*\", spend:count_7d]}]"
        )
        let view = try #require(definition.onDemandFeatureViews.first)
        #expect(view.sources == ["spend", "visits"])
        #expect(view.request == [Field(name: "amount", type: .float64), Field(name: "city", type: .string)])
        #expect(view.features.map(\.name) == ["ratio", "unusual", "same_city", "plain_case", "constant"])
        #expect(view.features.map(\.type) == [.float64, .bool, .bool, .string, .int64])
        #expect(
            view.features.map(\.text) == [
                "amount_sum_7d / nullif(spend.count_7d, 0)", "request.amount > 3 * amount_sum_7d",
                "request.city = visits.\"case\"", "\"case\"", "1",
            ]
        )
        let sum = FeatureReference(view: "spend", feature: "amount_sum_7d")
        #expect(view.features[0].featureInputs == [sum, FeatureReference(view: "spend", feature: "count_7d")])
        #expect(view.features[1].inputs.map(\.origin) == [.request, .feature(sum)])
        #expect(view.features[3].featureInputs == [FeatureReference(view: "visits", feature: "case")])
        #expect(view.features[4].inputs.isEmpty)
        #expect(
            definition.featureServices[0].features.map(\.description)
                == view.features.map { "risk:\($0.name)" } + ["spend:count_7d"]
        )
    }

    @Test func attributesAreInputsToo() throws {
        let profile = """
            attribute_views:
              - name: profile
                entity: customer
                source: orders
                max_age: 90d
                attributes: [paid, {name: home, column: city}]
            """
        let views = Self.views("x: home = request.city and profile.paid", sources: "[profile]")
        let definition = try Self.read(views + "\n" + profile)
        let feature = try #require(definition.onDemandFeatureViews.first?.features.first)
        #expect(feature.type == .bool && feature.text == "home = request.city and profile.paid")
        #expect(feature.featureInputs.map(\.description) == ["profile:home", "profile:paid"])
        let wrong = Self.views("x: hme = request.city", sources: "[profile]") + "\n" + profile
        let found = Self.problems(wrong)
        #expect(found.count == 1 && found[0].contains("21:10: unknown name 'hme'; did you mean 'home'?"), "\(found)")
    }

    @Test(arguments: [
        ("x: amuont_sum_7d + 1", "21:10: unknown name 'amuont_sum_7d'; did you mean 'amount_sum_7d'?"),
        ("x: 1 + request.amuont", "21:14: unknown name 'request.amuont'; did you mean 'request.amount'?"),
        ("x: \"1 + amount\"", "21:15: unknown name 'amount'; did you mean 'request.amount'?"),
        ("x: spend.amount", "21:10: unknown name 'spend.amount'; did you mean 'request.amount'?"),
        (
            "x: count_7d + 1",
            "21:10: 'count_7d' is a feature of several sources ('spend', 'visits'); write spend.count_7d, for example"
        ),
        ("x: city_last_3_7d", "21:10: 'spend:city_last_3_7d' is list<string>; an expression takes single values"),
        (
            "x: 1 + spend.city_last_3_7d",
            "21:14: 'spend:city_last_3_7d' is list<string>; an expression takes single values"
        ),
        ("x: x + 1", "21:10: 'x' is a derived feature; derived features are made of features of feature views only"),
        (
            "x: 1 + risk.x",
            "21:14: 'risk.x' is a derived feature; derived features are made of features of feature views only"
        ),
        ("x: request.amount and true", "21:10: 'and' takes bool, not float64"),
        ("x: count_30d +", "21:21: expected a value, found the end"),
        ("x: \"null\"", "21:11: this is always null and has no type; write cast(null as float64), for example"),
        ("x: 9223372036854775807 + 1", "21:30: this constant overflows: its value does not fit int64"),
        ("x: [1]", "21:10: 'x' must be a single value, not a list"),
        ("x-y: 1", "21:7: feature name 'x-y' must "),
    ])
    func mistakesHaveTheirPlace(feature: String, expected: String) {
        let found = Self.problems(Self.views(feature))
        #expect(found.count == 1 && found[0].hasPrefix("feature_views.yaml:" + expected), "\(found)")
    }

    @Test(arguments: [
        ("[spend, visist]", "17:22: unknown view 'visist'; did you mean 'visits'?"),
        ("[spend, spend]", "17:22: feature view 'spend' is already in on-demand feature view 'risk'"),
        (
            "[spend, risk]",
            "17:22: 'risk' is an on-demand feature view; derived features are made of features of feature views, not of derived ones"
        ),
        ("spend", "17:14: 'sources' must be a list, not a single value"),
    ])
    func sourcesAreChecked(sources: String, expected: String) {
        let found = Self.problems(Self.views("x: spend.count_7d", sources: sources))
        #expect(found.count == 1 && found[0].hasPrefix("feature_views.yaml:" + expected), "\(found)")
    }

    @Test func aNameIsThatOfOneView() {
        let clash = Self.views("x: 1").replacing("name: risk", with: "name: visits")
        let found = Self.problems(clash)
        #expect(
            found.count == 1 && found[0].contains("'visits' is already the name of a view, defined at"),
            "\(found)"
        )
        let twice = Self.views("x: 1") + "\n  - name: risk\n    features: {y: 2}"
        #expect(
            Self.problems(twice).map { $0.contains("on-demand feature view 'risk' is already defined at") } == [true]
        )
    }

    @Test(arguments: [
        ("risk:raito", "on-demand feature view 'risk' has no feature 'raito'; did you mean 'ratio'?"),
        ("rsik:ratio", "unknown view 'rsik'; did you mean 'risk'?"),
    ])
    func servicesNameThem(reference: String, expected: String) {
        let services = "feature_services: [{name: s, features: [\(reference)]}]"
        let found = Self.problems(Self.views("ratio: amount_sum_7d / 2"), services: services)
        #expect(found == ["feature_services.yaml:1:41: \(expected)"])
    }

    /// What follows from a mistake is not reported as another one.
    @Test func aMistakeIsReportedOnce() {
        let services = "feature_services: [{name: s, features: [risk:ratio, \"risk:*\"]}]"
        let wrong = Self.views("ratio: amount_sum_7d / nosuch")
        #expect(Self.problems(wrong, services: services).count == 1)
        let brokenView = Self.views("ratio: amount_sum_7d / 2").replacing("column: amount,", with: "column: amuont,")
        #expect(Self.problems(brokenView, services: services).count == 1)
    }

    @Test func requestValuesOfOneNameAgreeInAService() {
        let views =
            Self.views("x: request.amount")
            + "\n  - name: other\n    request: {amount: int64}\n    features: {y: request.amount}"
        let found = Self.problems(views, services: "feature_services: [{name: s, features: [risk:x, other:y]}]")
        #expect(
            found == [
                "feature_services.yaml:1:49: request value 'amount' is int64 in on-demand feature view 'other', but float64 in 'risk' of the same service"
            ]
        )
        #expect(Self.problems(views, services: "feature_services: [{name: s, features: [other:y]}]").isEmpty)
    }

    @Test func limits() {
        func request(_ count: Int) -> [String] {
            let fields = (0..<count).map { "f\($0): int64" }.joined(separator: ", ")
            return Self.problems(Self.views("x: 1").replacing("{amount: float64, city: string}", with: "{\(fields)}"))
        }
        #expect(request(64).isEmpty)
        #expect(request(65) == ["feature_views.yaml:18:14: 'request' has 65 entries; at most 64 are allowed"])
        func features(_ count: Int) -> [String] {
            let views = Self.views("x: 1").replacing(
                "x: 1",
                with: (0..<count).map { "x\($0): 1" }.joined(separator: "\n      ")
            )
            return Self.problems(views)
        }
        #expect(features(1000).isEmpty)
        #expect(features(1001).count == 1)
    }

    @Test func hashesCoverWhatTheyMean() throws {
        let service = "feature_services: [{name: s, features: [risk:x]}]"
        func hashes(_ feature: String, sources: String = "[spend, visits]") throws -> [String?] {
            let definition = try Self.read(Self.views(feature, sources: sources), services: service)
            return [
                definitionHash(of: definition), definitionHash(ofView: "risk", in: definition),
                definitionHash(ofService: "s", version: 1, in: definition),
            ]
        }
        let one = try hashes("x: amount_sum_7d + 1")
        #expect(!one.contains(nil))
        #expect(try hashes("x: \"(amount_sum_7d)  + 1\"") == one)
        #expect(try zip(hashes("x: amount_sum_7d + 2"), one).allSatisfy { $0 != $1 })
        // A bare name that comes to mean another view's feature.
        let (spend, visits) = (
            try hashes("x: count_7d", sources: "[spend]"), try hashes("x: count_7d", sources: "[visits]")
        )
        #expect(zip(spend, visits).allSatisfy { $0 != $1 })
        let none = try Sample.definition(views: Self.two, services: "feature_services: []")
        var withEmptyList = none
        withEmptyList.onDemandFeatureViews = []
        #expect(definitionHash(of: none) == definitionHash(of: withEmptyList))
    }

    @Test func plansShowThem() throws {
        let none = try Self.read(Self.two)
        let old = try Self.read(Self.views("x: amount_sum_7d + 1", "gone: 1"))
        let new = try Self.read(
            Self.views("x: amount_sum_7d + 2", "y: request.amount").replacing("city: string", with: "word: string")
        )
        let added = Plan(from: none, to: old)
        #expect(added.isApplicable && added.notes.isEmpty)
        #expect(
            added.changes.first { $0.object == .onDemandView }?.details == [
                "+ sources: spend, visits", "+ request amount float64", "+ request city string",
                "+ x float64: amount_sum_7d + 1", "+ gone int64: 1",
            ]
        )
        let changed = Plan(from: old, to: new)
        #expect(
            changed.changes.first { $0.object == .onDemandView }?.details == [
                "+ request word string", "- request city string", "~ x: amount_sum_7d + 1 -> amount_sum_7d + 2",
                "+ y float64: request.amount", "- gone int64: 1",
            ]
        )
        #expect(changed.notes.count == 1 && changed.notes[0].contains("'x' keeps its name but means something else"))
        #expect(changed.text.contains("~ on_demand_view risk"))
        #expect(Plan(from: new, to: none).changes.first { $0.object == .onDemandView }?.kind == .remove)
        #expect(Plan(from: new, to: new).isEmpty)
    }
}
