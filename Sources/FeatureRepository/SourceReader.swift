// One element of `sources`.

import FeatureModel

extension RepositoryReader {
    static let sourceKeys = [
        "name", "topic", "format", "timestamp_field", "timestamp_format", "schema", "start", "max_future",
        "record_bytes_max", "dead_letter_topic", "envelope", "key_format", "event_id",
    ]
    static let columnCountMax = 1000
    /// In bytes; Kafka's own upper bound for a message is 1 GB.
    static let recordBytes = 1...1_000_000_000

    func readSource(_ value: YAMLValue) {
        let foreign = [
            "description": "sources have no description; write a comment", "fields": "columns stand in 'schema'",
            "kafka_bootstrap_servers": "brokers stand under 'kafka' in feature_store.yaml",
        ]
        guard
            let item = DefinitionItem(
                value,
                noun: "source",
                keys: Self.sourceKeys,
                foreign: foreign,
                rule: .dashed,
                diagnostics
            )
        else { return sources.isComplete = false }
        let map = item.map
        let problemsBefore = diagnostics.count
        if let format = map.text("format") {
            _ = map.word(format, "format", among: ["json"]) { $0 == "json" ? true : nil }
        }
        let envelope = map.text("envelope").flatMap {
            map.word($0, "envelope", among: Envelope.allCases.map(\.rawValue), Envelope.init(rawValue:))
        }
        let keyFormat = map.text("key_format").flatMap {
            map.word($0, "key_format", among: KeyFormat.allCases.map(\.rawValue), KeyFormat.init(rawValue:))
        }
        let (timestampField, timestampFormat) = readTimestamp(map, isOptional: map["envelope"] != nil)
        let start = map.parsed(
            "start",
            expected: "'earliest', 'latest' or an ISO 8601 time such as 2026-01-31T00:00:00Z"
        ) {
            startPosition(in: $0)
        }
        let maxFuture = map.parsed("max_future", expected: "a duration of at most 3652d such as 1h") {
            duration(in: $0).flatMap { $0 <= TimeWindow.longest ? $0 : nil }
        }
        let recordBytesMax = map.parsed("record_bytes_max", expected: "a number of bytes from 1B to 1GB such as 1MiB") {
            byteCount(in: $0).flatMap { Self.recordBytes.contains($0) ? $0 : nil }
        }
        let schema = map.required("schema").map {
            fields(
                $0,
                key: "schema",
                noun: "column",
                types: ValueType.allCases,
                countMax: Self.columnCountMax,
                diagnostics
            )
        }
        if let timestampField, let place = map["timestamp_field"]?.location,
            let column = schema?.fields.first(where: { $0.name == timestampField }), column.type != .timestamp
        {
            diagnostics.add(
                place,
                "'\(column.name)' is the timestamp_field, so its type in 'schema' must be timestamp, not \(column.type.name)"
            )
        }
        let eventID = map.text("event_id")
        if let eventID, let schema, schema.isWhole {
            let type = schema.fields.first { $0.name == eventID.value }?.type
            if type != .string, type != .int64 {
                diagnostics.add(
                    eventID.location,
                    "'event_id' must name a column of 'schema' of type string or int64; \(eventID.value.quoted) is "
                        + (type.map { "of type \($0.name)" } ?? "not there")
                )
            }
        }
        let topic = readTopics(map, name: item.name)
        guard let name = item.name else { return sources.isComplete = false }
        // A source with a mistake still counts as known, so that its views are not reported for it.
        let isWhole = diagnostics.count == problemsBefore && schema?.isWhole == true
        var source: Source?
        if isWhole, let timestampField, let timestampFormat, let schema, let topic {
            source = Source(
                name: name.value,
                topic: topic.name,
                timestampField: timestampField,
                timestampFormat: timestampFormat,
                start: start ?? .earliest,
                maxFuture: maxFuture ?? Source.maxFutureDefault,
                recordBytesMax: recordBytesMax ?? Source.recordBytesMaxDefault,
                deadLetterTopic: topic.deadLetters,
                schema: schema.fields,
                envelope: envelope,
                keyFormat: keyFormat,
                eventID: eventID?.value
            )
        }
        sources.add(name, source, diagnostics)
    }

    /// `timestamp_field` and `timestamp_format`. An envelope has an event time of its own, in milliseconds, unless a field
    /// is named; `timestamp_format` is then that of the row's columns of type timestamp.
    private func readTimestamp(_ map: MapReader, isOptional: Bool) -> (field: String?, format: TimestampFormat?) {
        let isOwn = isOptional && map["timestamp_field"] == nil
        func text(_ key: String) -> Located<String>? {
            isOwn ? map.text(key) : map.required(key).flatMap { map.text($0, key) }
        }
        let field = text("timestamp_field")?.value
        let format = text("timestamp_format").flatMap {
            map.word(
                $0,
                "timestamp_format",
                among: TimestampFormat.allCases.map(\.rawValue),
                TimestampFormat.init(rawValue:)
            )
        }
        guard isOwn else { return (field, format) }
        return (Envelope.debeziumTime, format ?? (map["timestamp_format"] == nil ? .epochMilliseconds : nil))
    }

    private func startPosition(in text: String) -> StartPosition? {
        switch text {
        case "earliest": .earliest
        case "latest": .latest
        default: Instant(iso8601: text).map(StartPosition.time)
        }
    }

    /// The topic and the topic for dead letters; nil when one is missing or faulty, which is reported then.
    private func readTopics(_ map: MapReader, name: Located<String>?) -> (name: String, deadLetters: String?)? {
        let rule = "a Kafka topic name (letters, digits, '.', '_' and '-', at most 249)"
        var isWhole = true
        func topic(_ text: Located<String>, _ key: String) -> String? {
            if isTopicName(text.value) { return text.value }
            diagnostics.add(text.location, "'\(key)' must be \(rule), not \(text.value.quoted)")
            isWhole = false
            return nil
        }
        let own = map.text("topic").flatMap { topic($0, "topic") } ?? name?.value
        guard isWhole, let own else { return nil }
        guard let deadLetters = map.text("dead_letter_topic") else {
            let derived = own + ".dlq"
            guard !isTopicName(derived) else { return (own, derived) }
            diagnostics.add(map.location, "'\(derived)' is too long for a topic; give 'dead_letter_topic', or 'none'")
            return nil
        }
        if deadLetters.value == "none" { return (own, nil) }
        if deadLetters.value == own {
            diagnostics.add(
                deadLetters.location,
                "'dead_letter_topic' is the source's own topic; its dead letters would come back"
            )
            return nil
        }
        return topic(deadLetters, "dead_letter_topic").map { (own, $0) }
    }
}
