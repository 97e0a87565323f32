// One case per class of mistake in entities and sources, with its exact place and text.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct DefinitionMistakeTests {
    @Test func theSampleIsRight() { #expect(mistakes(Sample.files()) == []) }

    /// Each text is one entity of a list on line 1.
    @Test(arguments: [
        ("{join_keys: {customer_id: int64}}", "an entity lacks 'name'", 12),
        ("{name: customer}", "entity 'customer' lacks 'join_keys'", 12),
        (
            "{name: cust-omer, join_keys: {customer_id: int64}}",
            "entity name 'cust-omer' must begin with a letter or '_', consist of letters, digits and '_', and have at most 128 characters",
            19
        ),
        ("{name: customer, join_keys: {}}", "'join_keys' is empty; it names at least one join key with its type", 40),
        (
            "{name: customer, join_keys: {customer_id: float64}}",
            "join key 'customer_id' cannot have the type 'float64'; supported: int64, string", 54
        ),
        (
            "{name: customer, join_keys: {customer_id: long}}",
            "join key 'customer_id' cannot have the type 'long'; did you mean 'int64'?", 54
        ),
        ("{name: customer, join_keys: {customer_id: }}", "join key 'customer_id' needs a type: int64, string", 54),
        (
            "{name: customer, join_keys: {'a:b': int64}}",
            "join key name 'a:b' must begin with a letter or '_', consist of letters, digits and '_', and have at most 128 characters",
            41
        ),
        ("{name: customer, join_keys: customer_id}", "'join_keys' must be a mapping, not a single value", 40),
        ("{name: customer, join_keys: [{name: a, typ: int64}]}", "a join key lacks 'type'", 41),
        (
            "{name: customer, join_keys: [{name: a, type: int64}, {name: a, type: int64}]}",
            "join key 'a' stands twice in 'join_keys'", 72
        ),
        (
            "{name: customer, join_keys: {customer_id: int64}, ttl: 1d}",
            "unknown key 'ttl' in entity 'customer'; valid keys: name, join_keys, description", 62
        ),
        ("customer", "an entity must be a mapping with the keys name, join_keys, description, not a single value", 12),
        ("{name: [a], join_keys: {customer_id: int64}}", "'name' must be a single value, not a list", 19),
    ])
    func entities(entity: String, expected: String, column: Int) {
        let found = mistakes(Sample.files(entities: "entities: [\(entity)]"))
        #expect(found.contains("entities.yaml:1:\(column): \(expected)"), "\(found)")
        // One mistake brings no others with it.
        #expect(found.count == (entity.contains("typ:") ? 2 : 1), "\(found)")
    }

    /// Each line replaces `timestamp_format: epoch_ms`, line 4 of the file, or is added to it.
    @Test(arguments: [
        (
            "description: x", "2:5: source 'orders' lacks 'timestamp_format'",
            "4:5: unknown key 'description' in source 'orders'; sources have no description; write a comment"
        ),
        ("timestamp_format: epoch", "4:23: unknown timestamp_format 'epoch'; did you mean 'epoch_s'?", nil),
        (
            "timestamp_format: rfc",
            "4:23: unknown timestamp_format 'rfc'; supported: iso8601, epoch_s, epoch_ms, epoch_us", nil
        ),
        ("{0}\n    format: avro", "5:13: unknown format 'avro'; supported: json", nil),
        (
            "{0}\n    topic: a/b",
            "5:12: 'topic' must be a Kafka topic name (letters, digits, '.', '_' and '-', at most 249), not 'a/b'", nil
        ),
        (
            "{0}\n    dead_letter_topic: orders",
            "5:24: 'dead_letter_topic' is the source's own topic; its dead letters would come back", nil
        ),
        (
            "{0}\n    start: yesterday",
            "5:12: 'start' must be 'earliest', 'latest' or an ISO 8601 time such as 2026-01-31T00:00:00Z, not 'yesterday'",
            nil
        ),
        (
            "{0}\n    max_future: -1h", "5:17: 'max_future' must be a duration of at most 3652d such as 1h, not '-1h'",
            nil
        ),
        (
            "{0}\n    record_bytes_max: 0",
            "5:23: 'record_bytes_max' must be a number of bytes from 1B to 1GB such as 1MiB, not '0'", nil
        ),
    ])
    func sources(line: String, first: String, second: String?) {
        let filled = line.split(separator: "{0}", omittingEmptySubsequences: false).joined(
            separator: "timestamp_format: epoch_ms"
        )
        let text = Sample.sources.split(separator: "timestamp_format: epoch_ms").joined(separator: filled)
        let expected = [first] + (second.map { [$0] } ?? [])
        #expect(mistakes(Sample.files(sources: text)) == expected.map { "sources.yaml:" + $0 })
    }

    @Test func columnTypes() {
        let text = Sample.sources.split(separator: "city: string").joined(separator: "city: strng")
        #expect(
            mistakes(Sample.files(sources: text)) == [
                "sources.yaml:8:13: column 'city' cannot have the type 'strng'; did you mean 'string'?"
            ]
        )
    }

    @Test func namesAreUniqueAcrossFiles() {
        let files = RepositoryFiles(
            Sample.files().files + [.init(name: "more.yaml", text: Sample.entities + "\n" + Sample.sources)]
        )
        #expect(
            mistakes(files) == [
                "more.yaml:2:11: entity 'customer' is already defined at entities.yaml:2:11",
                "more.yaml:5:11: source 'orders' is already defined at sources.yaml:2:11",
            ]
        )
    }

    @Test func topicsAndStarts() throws {
        let sources = """
            sources:
              - {name: a-b, timestamp_field: "@timestamp", timestamp_format: iso8601, schema: [{name: x, type: bool}],
                 dead_letter_topic: none, start: 2026-01-31, max_future: 0s, record_bytes_max: 64KiB}
            """
        let files = RepositoryFiles(["feature_store.yaml": "project: p\n" + sources])
        let source = try Repository(parsing: files, environment: [:]).definition.sources[0]
        #expect(source.topic == "a-b" && source.deadLetterTopic == nil && source.timestampField == "@timestamp")
        #expect(source.start == .time(.init(microseconds: 1_769_817_600_000_000)))
        #expect(source.maxFuture == 0 && source.recordBytesMax == 65536)
    }
}
