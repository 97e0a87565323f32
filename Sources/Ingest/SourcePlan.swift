import FeatureHistory
import FeatureModel

/// A source, compiled for ingest: the fields to decode, and where they go in each of the source's histories.
struct SourcePlan {
    /// Where a history's key and columns come from.
    struct Target {
        var history: HistorySchema
        /// Fields of the join keys, in key order.
        var keyFields: [Int]
        /// Field of each column; nil for a column that the definition no longer has: stored as null.
        var columnFields: [Int?]
    }

    let source: Source
    let record: SourceRecord
    let fields: [DecodedField]
    let timestampField: Int
    let targets: [Target]
    /// Events whose event time lies further than this before their arrival are not accepted; nil keeps everything.
    /// Microseconds; the longest `history` of the source's views.
    let historyMax: Int64?

    /// - Returns: nil when no view uses the source: it is not consumed then.
    init?(_ source: Source, in catalog: Catalog) {
        guard let record = catalog.sources[source.name] else { return nil }
        let views = catalog.definition.featureViews.filter { $0.source == source.name }
        let joinKeySets = views.compactMap { catalog.entity($0.entity)?.joinKeys }
        let histories = catalog.histories.filter { $0.source == source.name && joinKeySets.contains($0.joinKeys) }
        guard !histories.isEmpty else { return nil }
        self.source = source
        self.record = record
        var fields = [DecodedField(name: source.timestampField, kind: .time(source.timestampFormat))]
        func index(_ field: Field) -> Int {
            let kind: DecodedField.Kind = field.type == .timestamp ? .time(source.timestampFormat) : .value(field.type)
            let wanted = DecodedField(name: field.name, kind: kind)
            if let found = fields.firstIndex(of: wanted) { return found }
            fields.append(wanted)
            return fields.count - 1
        }
        targets = histories.map { history in
            Target(
                history: history,
                keyFields: history.joinKeys.map(index),
                columnFields: history.columns.map { column in
                    source.schema.contains(column.field) ? index(column.field) : nil
                }
            )
        }
        self.fields = fields
        timestampField = 0
        var longest: Int64? = 0
        for view in views {
            switch view.history {
            case .forever: longest = nil
            case .microseconds(let length): longest = longest.map { max($0, length) }
            }
        }
        historyMax = longest
    }
}
