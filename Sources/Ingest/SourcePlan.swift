import Expressions
import FeatureHistory
import FeatureModel

/// A source, compiled for ingest: the fields to decode, and where they go in each of the source's histories.
struct SourcePlan {
    /// Where a history's key and columns come from.
    struct Target {
        var history: HistorySchema
        /// Fields of the join keys, in key order.
        var keyFields: [Int]
        /// Of an envelope's deletes: the same in the row as it was.
        var formerKeyFields: [Int]
        /// The join keys among `SourcePlan.recordKeys`.
        var recordKeys: [Int]
        var columns: [ColumnOrigin]
    }

    let source: Source
    let record: SourceRecord
    let fields: [DecodedField]
    let timestampField: Int
    /// Where an envelope says what happened; nil: every record is an event.
    let changes: ChangeFields?
    /// The join keys that the record key of a delete may name.
    let recordKeys: [Field]
    /// Whether attribute views read the source, so that a delete must not be missed.
    let hasAttributes: Bool
    let targets: [Target]
    /// What the source's views compute from its events.
    let expressions: [PlannedExpression]
    /// The fields that expressions read: their columns' order in an evaluation.
    let expressionInputs: [Field]
    /// Their places in `fields`.
    let expressionFields: [Int]
    /// Events whose event time lies further than this before their arrival are not accepted; nil keeps everything.
    /// Microseconds; the longest `history` of the source's views.
    let historyMax: Int64?

    /// - Returns: nil when no view uses the source: it is not consumed then.
    /// - Throws: when an applied expression cannot be compiled over the source's schema.
    init?(_ source: Source, in catalog: Catalog) throws(IngestError) {
        guard let record = catalog.sources[source.name] else { return nil }
        let views = catalog.definition.views.filter { $0.source == source.name }
        let joinKeySets = views.compactMap { catalog.entity($0.entity)?.joinKeys }
        let histories = catalog.histories.filter { $0.source == source.name && joinKeySets.contains($0.joinKeys) }
        guard !histories.isEmpty else { return nil }
        self.source = source
        self.record = record
        hasAttributes = catalog.definition.attributeViews.contains { $0.source == source.name }
        var fields: [DecodedField] = []
        let changes = source.envelope.map { _ in ChangeFields(debezium: &fields) }
        self.changes = changes
        func place(_ wanted: DecodedField) -> Int {
            if let found = fields.firstIndex(of: wanted) { return found }
            fields.append(wanted)
            return fields.count - 1
        }
        func index(_ field: Field, in parent: Int?) -> Int {
            let kind: DecodedField.Kind = field.type == .timestamp ? .time(source.timestampFormat) : .value(field.type)
            return place(DecodedField(name: field.name, kind: kind, parent: parent))
        }
        let row = changes?.after
        if let changes, source.timestampField == Envelope.debeziumTime {
            timestampField = changes.time
        } else {
            timestampField = place(
                DecodedField(name: source.timestampField, kind: .time(source.timestampFormat), parent: row)
            )
        }
        var recordKeys: [Field] = []
        func recordKey(_ joinKey: Field) -> Int {
            if let found = recordKeys.firstIndex(of: joinKey) { return found }
            recordKeys.append(joinKey)
            return recordKeys.count - 1
        }
        let (expressions, inputs) = try Self.expressions(of: views, source)
        targets = histories.map { history in
            Target(
                history: history,
                keyFields: history.joinKeys.map { index($0, in: row) },
                formerKeyFields: changes.map { changes in history.joinKeys.map { index($0, in: changes.before) } }
                    ?? [],
                recordKeys: history.joinKeys.map(recordKey),
                columns: history.columns.map { column in
                    let stored = StoredColumn(name: column.field.name)
                    if stored == .live { return .live }
                    // Made where the entity's events come together, which may not be in memory now.
                    if case .counts = stored { return .absent }
                    if case .field = stored {
                        return source.schema.contains(column.field) ? .field(index(column.field, in: row)) : .absent
                    }
                    return expressions.firstIndex { $0.column == stored }.map { .expression($0) } ?? .absent
                }
            )
        }
        self.expressions = expressions
        expressionInputs = inputs
        expressionFields = inputs.map { index($0, in: row) }
        self.fields = fields
        self.recordKeys = recordKeys
        historyMax = catalog.definition.historyLength(of: source.name)
    }

    /// How messages name a field: `source.ts_ms`.
    func path(_ field: Int) -> String {
        (fields[field].parent.map { path($0) + "." } ?? "") + fields[field].name
    }

    private static func expressions(
        of views: [any EventView],
        _ source: Source
    ) throws(IngestError) -> ([PlannedExpression], inputs: [Field]) {
        var wanted: [(column: StoredColumn, expression: EventExpression)] = []
        for view in views {
            for column in view.columns { wanted.append((.value(column.expression.text), column.expression)) }
            if let filter = view.filter { wanted.append((.mark(filter.text), filter)) }
        }
        let names = Set(wanted.flatMap(\.expression.fields))
        let inputs = source.schema.filter { names.contains($0.name) }
        var expressions: [PlannedExpression] = []
        for (column, expression) in wanted where !expressions.contains(where: { $0.column == column }) {
            do throws(ExpressionMistake) {
                let compiled = try ParsedExpression(expression.text).compile(in: ExpressionScope(inputs))
                expressions.append(PlannedExpression(column: column, compiled: compiled))
            } catch {
                throw IngestError(
                    halt:
                        "source '\(source.name)': the applied expression '\(expression.text)' is not one any more: \(error)"
                )
            }
        }
        return (expressions, inputs)
    }
}
