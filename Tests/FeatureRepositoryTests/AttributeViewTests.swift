// Attribute views, and what sources say about deletes: how they are read, hashed and planned, with every mistake's place.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct AttributeViewTests {
    static let customers = """

          - name: customers
            timestamp_field: at
            timestamp_format: epoch_ms
            key_format: json
            schema: {customer_id: int64, country: string, limit: int64, at: timestamp}
        """
    static let views = """
        attribute_views:
          - name: profile
            entity: customer
            source: customers
            max_age: 90d
            history: 400d
            filter: limit > 0
            columns: {large: limit > 1000}
            attributes: [country, {name: credit, column: limit}, large, {column: at}]
        """

    static func files(
        _ views: String = views,
        customers: String = customers,
        services: String = "feature_services: [{name: s, features: ['profile:*']}]"
    ) -> RepositoryFiles {
        RepositoryFiles(
            Sample.files(sources: Sample.sources + customers, services: services).files + [
                RepositoryFiles.File(name: "attributes.yaml", text: views)
            ]
        )
    }

    static func definition(_ views: String = views, customers: String = customers) throws -> FeatureStoreDefinition {
        try Repository(parsing: files(views, customers: customers), environment: [:]).definition
    }

    @Test func aViewWithEverything() throws {
        let definition = try Self.definition()
        #expect(
            definition.attributeViews == [
                AttributeView(
                    name: "profile",
                    entity: "customer",
                    source: "customers",
                    maxAge: 90 * 86_400_000_000,
                    history: .microseconds(400 * 86_400_000_000),
                    filter: EventExpression(text: "limit > 0", type: .bool, fields: ["limit"]),
                    columns: [
                        DerivedColumn(
                            name: "large",
                            expression: EventExpression(text: "limit > 1000", type: .bool, fields: ["limit"])
                        )
                    ],
                    attributes: [
                        Attribute(column: "country"), Attribute(name: "credit", column: "limit"),
                        Attribute(column: "large"), Attribute(column: "at"),
                    ]
                )
            ]
        )
        let source = try #require(definition.sources.first { $0.name == "customers" })
        #expect(source.keyFormat == .json && source.envelope == nil)
        #expect(
            definition.attributeViews[0].storedColumns(of: source).map(\.column.name)
                == ["country", "limit", "= limit > 1000", "at", "? limit > 0", "! live"]
        )
        #expect(
            definition.featureServices[0].features.map(\.description)
                == ["profile:country", "profile:credit", "profile:large", "profile:at"]
        )
    }

    @Test func anEnvelopeHasItsOwnTime() throws {
        func source(_ lines: String) throws -> Source {
            let text =
                "\n  - name: customers\n    envelope: debezium\n    schema: {customer_id: int64, at: timestamp}\n"
                + lines
            let view = "attribute_views: [{name: a, entity: customer, source: customers, attributes: [at]}]"
            let files = Self.files(view, customers: text, services: "")
            return try #require(
                try Repository(parsing: files, environment: [:]).definition.sources.first { $0.name == "customers" }
            )
        }
        let plain = try source("")
        #expect(plain.envelope == .debezium && plain.keyFormat == nil && plain.hasTombstones)
        #expect(plain.timestampField == Envelope.debeziumTime && plain.timestampFormat == .epochMilliseconds)
        let text = try source("    timestamp_format: iso8601")
        #expect(text.timestampField == Envelope.debeziumTime && text.timestampFormat == .iso8601)
        let own = try source("    timestamp_field: at\n    timestamp_format: epoch_us\n    key_format: int64")
        #expect(own.timestampField == "at" && own.timestampFormat == .epochMicroseconds && own.keyFormat == .int64)
        #expect(throws: RepositoryError.self) { try source("    timestamp_field: at") }
    }

    /// Each line takes the place of `max_age`, which stands on line 5.
    @Test(arguments: [
        ("max_age: 0d", "5:14: 'max_age' must be a duration from 1s to 3652d such as 90d, not '0d'"),
        ("max_age: [1d]", "5:14: 'max_age' must be a single value, not a list"),
        ("max_age: 500d", "5:14: max_age 500d reaches further back than the view's history of 400d"),
        ("ttl: 90d", "5:5: unknown key 'ttl' in attribute view 'profile'; 'max_age' says how old a value may be"),
        ("atributes: [x]", "5:5: unknown key 'atributes' in attribute view 'profile'; did you mean 'attributes'?"),
    ])
    func settings(line: String, expected: String) {
        let views = Self.views.replacing("max_age: 90d", with: line)
        #expect(mistakes(Self.files(views)) == ["attributes.yaml:" + expected])
    }

    /// Each list stands at 9:17.
    @Test(arguments: [
        ("[]", "9:17: 'attributes' is empty; an attribute view has at least one"),
        ("country", "9:17: 'attributes' must be a list, not a single value"),
        ("[contry]", "9:18: source 'customers' has no column 'contry'; did you mean 'country'?"),
        (
            "[country, {name: country, column: limit}]",
            "9:34: attribute 'country' is already defined at attributes.yaml:9:18"
        ),
        ("[{name: x}]", "9:18: an attribute lacks 'column'"),
        (
            "[{name: a-b, column: limit}]",
            "9:25: attribute name 'a-b' must begin with a letter or '_', consist of letters, digits and '_', and have at most 128 characters"
        ),
        ("[{name: x, colum: limit}]", "9:18: an attribute lacks 'column'"),
    ])
    func attributes(list: String, expected: String) {
        let views = Self.views.replacing("[country, {name: credit, column: limit}, large, {column: at}]", with: list)
        #expect(mistakes(Self.files(views, services: "")).contains("attributes.yaml:" + expected))
    }

    @Test func referencesAndNames() {
        func service(_ feature: String) -> [String] {
            mistakes(Self.files(services: "feature_services: [{name: s, features: ['\(feature)']}]"))
        }
        #expect(
            service("profle:country") == ["feature_services.yaml:1:41: unknown view 'profle'; did you mean 'profile'?"]
        )
        #expect(
            service("profile:contry") == [
                "feature_services.yaml:1:41: attribute view 'profile' has no feature 'contry'; did you mean 'country'?"
            ]
        )
        // One set of names for views of both kinds.
        let views = Self.views.replacing("name: profile", with: "name: spend")
        #expect(
            mistakes(Self.files(views, services: "")) == [
                "feature_views.yaml:2:11: view 'spend' is already defined at attributes.yaml:2:11"
            ]
                || mistakes(Self.files(views, services: "")) == [
                    "attributes.yaml:2:11: view 'spend' is already defined at feature_views.yaml:2:11"
                ]
        )
        #expect(
            mistakes(Self.files("attribute_view: []")).contains(
                "attributes.yaml:1:1: unknown key 'attribute_view' in a definition file; did you mean 'attribute_views'?"
            )
        )
    }

    @Test(arguments: ["string", "int64"])
    func aBareRecordKeyNamesOneJoinKey(format: String) {
        let customers = Self.customers.replacing("key_format: json", with: "key_format: \(format)")
        let found = mistakes(Self.files(customers: customers))
        if format == "int64" { return #expect(found == []) }
        #expect(
            found == [
                "attributes.yaml:2:11: source 'customers' has key_format string: its record key is the value of one string join key, the same for all "
                    + "views of the source; entity 'customer' joins on (customer_id int64); use key_format json, or another source for this view"
            ]
        )
    }

    @Test func wordsOfASource() {
        func found(_ line: String) -> [String] {
            mistakes(Self.files(customers: Self.customers.replacing("key_format: json", with: line)))
        }
        #expect(found("key_format: jsn") == ["sources.yaml:14:17: unknown key_format 'jsn'; did you mean 'json'?"])
        func rule(_ what: String) -> [String] {
            ["sources.yaml:14:15: 'event_id' must name a column of 'schema' of type string or int64; \(what)"]
        }
        #expect(found("event_id: country") == [] && found("event_id: limit") == [])
        #expect(found("event_id: at") == rule("'at' is of type timestamp"))
        #expect(found("event_id: nothing") == rule("'nothing' is not there"))
        #expect(found("envelope: maxwell") == ["sources.yaml:14:15: unknown envelope 'maxwell'; supported: debezium"])
    }

    @Test func hashesCoverWhatMatters() throws {
        let definition = try Self.definition()
        let hash = try #require(definitionHash(ofView: "profile", in: definition))
        func changed(_ change: (inout FeatureStoreDefinition) -> Void) -> (whole: String, view: String?) {
            var definition = definition
            change(&definition)
            return (definitionHash(of: definition), definitionHash(ofView: "profile", in: definition))
        }
        let whole = definitionHash(of: definition)
        let changes: [(inout FeatureStoreDefinition) -> Void] = [
            { $0.attributeViews[0].maxAge = nil }, { $0.attributeViews[0].history = .forever },
            { $0.attributeViews[0].filter = nil }, { $0.attributeViews[0].attributes[1].name = "x" },
            { $0.attributeViews[0].attributes[1].column = "at" }, { $0.attributeViews[0].attributes.removeLast() },
            { $0.sources[1].keyFormat = .int64 }, { $0.sources[1].envelope = .debezium },
        ]
        for (number, change) in changes.enumerated() {
            let found = changed(change)
            #expect(found.whole != whole && found.view != nil && found.view != hash, "\(number)")
        }
        let same = changed {
            $0.attributeViews[0].description = "x"
            $0.attributeViews[0].attributes.reverse()
        }
        #expect(same.whole == whole && same.view == hash)
        // A service covers the features that it names.
        var other = definition
        other.featureServices[0].features.removeLast(3)
        let service = definitionHash(ofService: "s", version: 1, in: other)
        other.attributeViews[0].attributes[1].column = "at"
        #expect(service != nil && definitionHash(ofService: "s", version: 1, in: other) == service)
        other.attributeViews[0].maxAge = nil
        #expect(definitionHash(ofService: "s", version: 1, in: other) != service)
        other.attributeViews[0].attributes.removeFirst()
        #expect(definitionHash(ofService: "s", version: 1, in: other) == nil)
    }

    @Test func plans() throws {
        let definition = try Self.definition()
        let first = Plan(from: nil, to: definition)
        let added = try #require(first.changes.first { $0.name == "profile" })
        #expect(added.kind == .add && added.object == .view)
        #expect(
            added.details == [
                "+ entity: customer", "+ source: customers", "+ history: 400d", "+ filter: limit > 0",
                "+ column large bool: limit > 1000", "+ max_age: 90d", "+ country (latest country)",
                "+ credit (latest limit)", "+ large (latest large)", "+ at (latest at)",
            ]
        )
        let source = try #require(first.changes.first { $0.name == "customers" })
        #expect(source.details.contains("+ key_format: json") && !source.details.contains { $0.contains("envelope") })

        var new = definition
        new.attributeViews[0].maxAge = nil
        new.attributeViews[0].attributes[1].column = "at"
        new.attributeViews[0].attributes.remove(at: 0)
        let plan = Plan(from: definition, to: new)
        #expect(plan.isApplicable)
        #expect(
            plan.changes.first { $0.name == "profile" }?.details == [
                "~ max_age: 90d -> none", "~ credit: latest limit -> latest at", "- country (latest country)",
            ]
        )
        #expect(plan.notes.contains { $0.contains("'credit' keeps its name but means something else") })
    }

    /// A source that told no deletes cannot tell them later, nor the other way round.
    @Test func deletesCannotComeLater() throws {
        let definition = try Self.definition()
        func refusals(_ change: (inout Source) -> Void) -> [String] {
            var new = definition
            change(&new.sources[1])
            return Plan(from: definition, to: new).refusals
        }
        #expect(refusals { $0.keyFormat = nil }.first?.contains("key_format changes from json to none") == true)
        #expect(refusals { $0.envelope = .debezium }.first?.contains("envelope changes from none to debezium") == true)
        #expect(refusals { $0.keyFormat = .string } == [])
    }

    @Test func whatANewAttributeLacks() throws {
        var applied = try Self.definition()
        let new = applied
        applied.attributeViews[0].attributes.remove(at: 0)
        #expect(
            Plan(from: applied, to: new).notes == [
                "view 'profile': no view used column 'country' so far, so it is not in the history; country start with PARTIAL until a replay"
            ]
        )
        applied.attributeViews.removeAll()
        applied.featureServices.removeAll()
        #expect(
            Plan(from: applied, to: new).notes.first?.contains("'profile' is the first one of source 'customers'")
                == true
        )
    }
}
