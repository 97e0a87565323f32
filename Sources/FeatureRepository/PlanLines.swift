// How the parts of definitions read in a plan.

import FeatureModel

func entityLines(_ entity: Entity) -> [String] { entity.joinKeys.map { "\($0.name) \($0.type.name)" } }

func sourceLines(_ source: Source) -> [String] {
    // What most sources lack is not worth a line.
    settingLines(source).filter { $0.value != "none" || $0.key == "dead_letter_topic" }.map { "\($0.key): \($0.value)" }
        + source.schema.map { "column \($0.name) \($0.type.name)" }
}

/// Everything about a source but its columns, in the words of the YAML keys.
func settingLines(_ source: Source) -> [(key: String, value: String)] {
    [
        ("topic", source.topic), ("timestamp_field", source.timestampField),
        ("timestamp_format", source.timestampFormat.rawValue), ("start", text(source.start)),
        ("max_future", TimeWindow.text(microseconds: source.maxFuture)),
        ("record_bytes_max", "\(source.recordBytesMax)"), ("dead_letter_topic", source.deadLetterTopic ?? "none"),
        ("envelope", source.envelope?.rawValue ?? "none"), ("key_format", source.keyFormat?.rawValue ?? "none"),
        ("event_id", source.eventID ?? "none"),
    ]
}

func viewLines(_ view: FeatureView) -> [String] { inputLines(view) + view.aggregations.map(line) }

func attributeViewLines(_ view: AttributeView) -> [String] {
    inputLines(view) + ["max_age: \(text(maxAge: view.maxAge))"] + view.attributes.map(line)
}

private func inputLines(_ view: some EventView) -> [String] {
    ["entity: \(view.entity)", "source: \(view.source)", "history: \(text(view.history))"]
        + (view.filter.map { ["filter: \($0.text)"] } ?? [])
        + view.columns.map { "column \($0.name) \($0.expression.type.name): \($0.expression.text)" }
}

/// `home (latest country)`
func line(_ attribute: Attribute) -> String { "\(attribute.name) (\(text(attribute)))" }

func text(_ attribute: Attribute) -> String { "latest \(attribute.column)" }

func text(maxAge: Int64?) -> String { maxAge.map(TimeWindow.text(microseconds:)) ?? "none" }

func onDemandViewLines(_ view: OnDemandFeatureView) -> [String] {
    (view.sources.isEmpty ? [] : ["sources: \(view.sources.joined(separator: ", "))"])
        + view.request.map { "request \($0.name) \($0.type.name)" } + view.features.map(line)
}

/// `spend_ratio float64: amount_sum_7d / nullif(amount_sum_30d, 0)`
func line(_ feature: DerivedFeature) -> String { "\(feature.name) \(feature.type.name): \(feature.text)" }

func serviceLines(_ service: FeatureService) -> [String] { service.features.map(\.description) }

/// `amount_sum_7d (sum of amount over 7d)`
func line(_ aggregation: Aggregation) -> String { "\(aggregation.name) (\(text(aggregation)))" }

/// `sum of amount over 7d, ending 1d before, default 0.0`
func text(_ aggregation: Aggregation) -> String {
    let function = aggregation.function.rawValue + (aggregation.parameters.text.map { "(\($0))" } ?? "")
    let group = aggregation.groupBy.map { " by \($0)" } ?? ""
    let what = "\(function) of \(aggregation.column ?? "events")\(group)"
    var text = "\(what) over \(aggregation.timeWindow)"
    if aggregation.offset != 0 { text += ", ending \(TimeWindow.text(microseconds: aggregation.offset)) before" }
    if let value = aggregation.defaultValue { text += ", default \(FeatureRepository.text(value))" }
    return text
}

func text(_ history: HistoryLength) -> String {
    switch history {
    case .forever: "forever"
    case .microseconds(let length): TimeWindow.text(microseconds: length)
    }
}

func text(_ start: StartPosition) -> String {
    switch start {
    case .earliest: "earliest"
    case .latest: "latest"
    case .time(let instant): instant.iso8601
    }
}

private func text(_ value: FeatureValue) -> String {
    switch value {
    case .null: "null"
    case .int64(let number): "\(number)"
    case .float64(let number): "\(number)"
    case .string(let string): string.quoted
    case .bool(let bool): "\(bool)"
    case .timestamp(let instant): instant.iso8601
    case .list, .map: "..."
    }
}
