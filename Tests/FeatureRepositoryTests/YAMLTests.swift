// YAML itself: broken, hostile, or just more than is supported.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct YAMLTests {
    /// Each text is a definition file of its own; `a.yaml:` stands before every expected line.
    @Test(arguments: [
        (
            "sources: [a",
            ["1:1: YAML syntax: did not find expected ',' or ']' (while parsing a flow sequence that begins at 1:10)"]
        ),
        (
            "sources: \"a",
            ["1:1: YAML syntax: found unexpected end of stream (while scanning a quoted scalar that begins at 1:10)"]
        ),
        ("sources:\n\t- a", ["2:1: YAML syntax: a tab cannot indent; use spaces"]),
        ("a: b: c", ["1:5: YAML syntax: mapping values are not allowed in this context"]),
        (
            "sources: @x",
            [
                "1:10: YAML syntax: found character that cannot start any token (while scanning for the next token that begins at 1:10)"
            ]
        ),
        ("sources: []\n---\nsources: []", ["2:1: a second YAML document; a file holds one, without '---' in between"]),
        ("sources: &base []", ["1:10: anchors are not supported; write '&base' out where it is used"]),
        ("sources: *base", ["1:10: aliases are not supported; write out what '*base' stands for"]),
        ("sources: !!set {}", ["1:10: tags are not supported; leave 'tag:yaml.org,2002:set' out"]),
        ("sources: !x []", ["1:10: tags are not supported; leave '!x' out"]),
        (
            "sources: [!!str a]",
            [
                "1:11: a source must be a mapping with the keys name, topic, format, timestamp_field, timestamp_format, schema, start, max_future, record_bytes_max, dead_letter_topic, envelope, key_format, event_id, not a single value"
            ]
        ),
        ("sources: !!int 1", ["1:10: tags are not supported; leave 'tag:yaml.org,2002:int' out"]),
        ("sources: \u{7}", ["1:10: the character U+0007 is not allowed here"]),
        ("sources: []\rentities: []", ["1:12: a carriage return without a line feed"]),
        ("{a: b}: c", ["1:1: a key must be a single word, not a mapping"]),
        (
            "sources: []\nsources: []\nentities: []\nentities: []\nsources: []",
            [
                "2:1: duplicate key 'sources'; it is already given on line 1",
                "4:1: duplicate key 'entities'; it is already given on line 3",
                "5:1: duplicate key 'sources'; it is already given on line 1",
            ]
        ),
        ("\"sources\": []\n'sources': []", ["2:1: duplicate key 'sources'; it is already given on line 1"]),
        ("'\u{20}x': 1\n'\u{20}x': 2", ["1:1: duplicate key ' x'"]),
        ("sources: {a: b}", ["1:10: 'sources' must be a list, not a mapping"]),
        (
            "just words",
            [
                "1:1: a definition file must be a mapping with the keys entities, sources, feature_views, attribute_views, on_demand_feature_views, feature_services, not a single value"
            ]
        ),
    ])
    func mistakesInText(text: String, expected: [String]) {
        let files = RepositoryFiles([.init(name: "a.yaml", text: text)] + Sample.files().files)
        let found = mistakes(files)
        #expect(found == expected.map { "a.yaml:" + $0 })
    }

    @Test(arguments: [
        "", "# nothing\n", "---\n", "~", "\u{FEFF}sources: []", "sources:\r\nentities: []\r\n", "sources: []\n...\n",
    ])
    func textsThatSayNothing(text: String) {
        #expect(mistakes(RepositoryFiles([.init(name: "a.yaml", text: text)] + Sample.files().files)) == [])
    }

    @Test func starsAndQuestionMarksInTextsAreKept() throws {
        let entities = """
            entities:
              - name: customer
                join_keys: {customer_id: int64}
                description: |
                  * one & two?
                  [three] ???
            """
        #expect(try Sample.definition(entities: entities).entities[0].description == "* one & two?\n[three] ???")
        let services = "feature_services: [{name: a, features: [\"spend:*\"], description: who? *me*}]"
        #expect(try Sample.definition(services: services).featureServices[0].description == "who? *me*")
    }

    @Test(.timeLimit(.minutes(1))) func aliasBombsAreRefusedAtOnce() {
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for (previous, letter) in zip("abcdefghi", "bcdefghij") {
            let references = Array(repeating: "*\(previous)", count: 9).joined(separator: ", ")
            bomb += "\(letter): &\(letter) [\(references)]\n"
        }
        // As a value, and as a key: Yams hashes keys.
        for last in ["k: *j\n", "? *j\n: 1\n", "{*j : 1}: 2\n", "<<: *j\n"] {
            let found = mistakes(RepositoryFiles([.init(name: "a.yaml", text: bomb + last)] + Sample.files().files))
            #expect(
                found.contains { $0.contains("anchors are not supported") || $0.contains("YAML syntax") },
                "\(last) \(found)"
            )
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["[", "{", "{a: ", "- ", "? ", "a:\n", "[{", "!a ", "'", "{{a: "])
    func deepNestingIsRefused(opening: String) {
        for count in [40, 1000, 1_000_000 / opening.utf8.count] {
            let text = String(repeating: opening, count: count)
            #expect(!mistakes(RepositoryFiles([.init(name: "a.yaml", text: text)] + Sample.files().files)).isEmpty)
        }
    }

    @Test func nestingWithoutBracketsIsRefused() {
        let text = "sources:\n- " + String(repeating: "- ", count: 30) + "x"
        let found = mistakes(RepositoryFiles([.init(name: "a.yaml", text: text)] + Sample.files().files))
        #expect(found.contains("a.yaml:2:33: nested deeper than 16 levels"), "\(found)")
    }

    @Test func aBrokenFileDoesNotMakeOthersLookWrong() {
        let found = mistakes(
            Sample.files(entities: "entities: [", services: "feature_services: [{name: a, features: [spnd:x]}]")
        )
        #expect(found.count == 1 && found[0].hasPrefix("entities.yaml:"), "\(found)")
    }

    @Test func everyMistakeIsFoundInOnePassAndInFileOrder() {
        let found = mistakes(
            Sample.files(
                store: "project: shop\nserver: {lisen: x}",
                entities: "entities: [{name: customer}]",
                sources: "sources: [{name: orders}]",
                views: Sample.view("{function: summ, time_window: 7}"),
                services: "feature_services: [{name: c, features: [spend:x, spnd:x]}]"
            )
        )
        #expect(
            found == [
                "entities.yaml:1:12: entity 'customer' lacks 'join_keys'",
                "feature_services.yaml:1:50: unknown view 'spnd'; did you mean 'spend'?",
                "feature_store.yaml:2:10: unknown key 'lisen' in 'server'; did you mean 'listen'?",
                "feature_views.yaml:7:20: unknown function 'summ'; did you mean 'sum'?",
                "feature_views.yaml:7:39: 'time_window' must be a duration such as 30d, 'lifetime', a number of events such as 50events, or a series such as 12x1h, not '7'",
                "sources.yaml:1:11: source 'orders' lacks 'timestamp_field'",
                "sources.yaml:1:11: source 'orders' lacks 'timestamp_format'",
                "sources.yaml:1:11: source 'orders' lacks 'schema'",
            ]
        )
    }

    @Test func endlessMistakesAreCounted() {
        let text = (0..<600).map { "key\($0): 1\n" }.joined()
        let found = mistakes(RepositoryFiles([.init(name: "z.yaml", text: text)] + Sample.files().files))
        #expect(found.count == 501)
        #expect(found.last == "z.yaml: 100 more mistakes are not listed")
    }
}
