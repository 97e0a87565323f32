public import FeatureModel
import Windowing

/// What is applied, as readers see it: an immutable picture, replaced as a whole when definitions change.
public final class Catalog: Sendable {
    public let definition: FeatureStoreDefinition
    /// SHA-256 of the definition's canonical form, hex; empty when nothing is applied.
    public let definitionHash: String
    public let histories: [HistorySchema]
    public let sources: [String: SourceRecord]
    /// Grows with every change; a prepared lookup of an older generation is compiled anew.
    public let generation: UInt64
    /// What the nodes of each history's trees hold: all that some applied feature of the history asks for.
    let tileLayouts: [UInt32: TileLayout]
    /// What each history has dropped, and what it keeps of that.
    let retentions: [UInt32: Retention]
    let derivedFeatures: DerivedFeatures

    init(
        definition: FeatureStoreDefinition,
        definitionHash: String,
        histories: [HistorySchema],
        sources: [String: SourceRecord],
        generation: UInt64
    ) {
        self.definition = definition
        self.definitionHash = definitionHash
        self.histories = histories
        self.sources = sources
        self.generation = generation
        var planned: [UInt32: (aggregations: [PlannedAggregation], attributes: [PlannedAttribute])] = [:]
        for view in definition.views {
            guard let joinKeys = definition.entities.first(where: { $0.name == view.entity })?.joinKeys,
                let history = histories.first(where: { $0.source == view.source && $0.joinKeys == joinKeys })
            else { continue }
            if let view = view as? FeatureView {
                planned[history.id, default: ([], [])].aggregations += view.aggregations.map {
                    PlannedAggregation($0, of: view, in: history, availableFrom: .distantPast)
                }
            } else if let view = view as? AttributeView {
                planned[history.id, default: ([], [])].attributes += view.attributes.compactMap {
                    PlannedAttribute($0, of: view, in: history, availableFrom: .distantPast)
                }
            }
        }
        tileLayouts = planned.mapValues { TileLayout($0.aggregations, $0.attributes) }
        var retentions: [UInt32: Retention] = [:]
        for history in histories {
            guard let horizon = sources[history.source]?.horizon, horizon > .distantPast else { continue }
            let (aggregations, attributes) = planned[history.id] ?? ([], [])
            retentions[history.id] = Retention(
                horizon: horizon.microseconds,
                kept: BaseLayout(aggregations, attributes)
            )
        }
        self.retentions = retentions
        derivedFeatures = DerivedFeatures(definition)
    }

    /// The history of a source's events for these join keys.
    public func history(source: String, joinKeys: [Field]) -> HistorySchema? {
        histories.first { $0.source == source && $0.joinKeys == joinKeys }
    }

    public func entity(_ name: String) -> Entity? { definition.entities.first { $0.name == name } }
    public func view(_ name: String) -> (any EventView)? { definition.views.first { $0.name == name } }

    /// A feature service by `name` (its newest version) or `name@version`.
    public func featureService(_ text: String) -> FeatureService? {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let named = definition.featureServices.filter { $0.name == String(parts[0]) }
        guard parts.count == 2 else { return named.max { $0.version < $1.version } }
        guard let version = Int(parts[1]) else { return nil }
        return named.first { $0.version == version }
    }

    /// The histories that a definition needs, over those that exist: existing ones keep their ids and columns, new
    /// columns of a history whose source was consumed before are available from `now` on; so are those that a
    /// definition takes up again after another one had left them out.
    static func histories(
        for definition: FeatureStoreDefinition,
        existing: [HistorySchema],
        replacing old: FeatureStoreDefinition,
        consumed: Set<String>,
        now: Instant
    ) throws(StoreError) -> [HistorySchema] {
        var histories = existing
        for view in definition.views {
            guard let entity = definition.entities.first(where: { $0.name == view.entity }),
                let source = definition.sources.first(where: { $0.name == view.source })
            else { throw StoreError(.refused, "view '\(view.name)' names an unknown entity or source") }
            // The field is decoded as event time: as anything else it would always be null.
            let used = view.fields.union(entity.joinKeys.map(\.name))
            if used.contains(source.timestampField),
                let field = (source.schema + entity.joinKeys).first(where: { $0.name == source.timestampField }),
                field.type != .timestamp
            {
                throw StoreError(
                    .refused,
                    "view '\(view.name)': '\(field.name)' is the timestamp field of source '\(source.name)'; as a column its type is timestamp, not \(field.type.name)"
                )
            }
            let from: Instant = consumed.contains(view.source) ? now : .distantPast
            let place: Int
            var isEmpty = !consumed.contains(view.source)
            if let found = histories.firstIndex(where: { $0.source == view.source && $0.joinKeys == entity.joinKeys }) {
                place = found
                // Nobody used it meanwhile, so ingest left it out: there is a gap, and what follows it is all that is whole.
                if consumed.contains(view.source), !old.keepsHistory(of: view.source, joinKeys: entity.joinKeys) {
                    histories[place].availableFrom = now
                }
            } else {
                place = histories.count
                isEmpty = true
                let id = (histories.map(\.id).max() ?? 0) + 1
                histories.append(
                    HistorySchema(
                        id: id,
                        source: view.source,
                        joinKeys: entity.joinKeys,
                        columns: [],
                        availableFrom: from
                    )
                )
            }
            // Without the mark an event would be a tombstone, and with it as before none would be any more.
            let isMarked = histories[place].column(StoredColumn.live.name) != nil
            guard isMarked == source.hasTombstones || (isEmpty && !isMarked) else {
                throw StoreError(
                    .refused,
                    "source '\(source.name)': its stored events \(isMarked ? "have" : "do not have") tombstones; with another key_format or envelope it needs a new name"
                )
            }
            // Which stored events are duplicates is decided by the mark's field; without the mark all of them count.
            let idField = histories[place].countsBy?.field
            guard idField == source.eventID || (isEmpty && idField == nil) else {
                throw StoreError(
                    .refused,
                    "source '\(source.name)': its stored events \(idField.map { "have the event_id '\($0)'" } ?? "have no event_id"); with another one it needs a new name"
                )
            }
            for (stored, type) in view.storedColumns(of: source) {
                let name = stored.name
                guard let field = type.map({ Field(name: name, type: $0) }) else {
                    throw StoreError(.refused, "view '\(view.name)': source '\(source.name)' has no column '\(name)'")
                }
                if let (index, column) = histories[place].column(name) {
                    guard column.field.type == field.type else {
                        throw StoreError(
                            .refused,
                            "column '\(name)' of source '\(source.name)' is stored as \(column.field.type.name); it cannot become \(field.type.name)"
                        )
                    }
                    if consumed.contains(view.source), !old.stores(stored, field.type, of: view.source) {
                        histories[place].columns[index].availableFrom = now
                    }
                } else {
                    histories[place].columns.append(HistoryColumn(field: field, availableFrom: from))
                }
            }
            guard histories[place].columns.count <= HistorySchema.columnsMax else {
                throw StoreError(
                    .refused,
                    "source '\(source.name)': more than \(HistorySchema.columnsMax) columns for entity '\(entity.name)'"
                )
            }
        }
        return histories
    }
}

extension FeatureStoreDefinition {
    /// Whether some view keeps the history of a source for these join keys.
    fileprivate func keepsHistory(of source: String, joinKeys: [Field]) -> Bool {
        views.contains { view in
            view.source == source && entities.first { $0.name == view.entity }?.joinKeys == joinKeys
        }
    }

    /// Whether ingest stores this column of a source's events: a field as long as the schema has it, what is computed as long
    /// as some view of the source asks for it.
    fileprivate func stores(_ column: StoredColumn, _ type: ValueType, of source: String) -> Bool {
        guard let definition = sources.first(where: { $0.name == source }) else { return false }
        if case .field(let name) = column { return definition.schema.contains(Field(name: name, type: type)) }
        if column == .live { return definition.hasTombstones }
        if case .counts(let field) = column { return definition.eventID == field }
        return views.contains { view in
            let computed =
                view.columns.map { StoredColumn.value($0.expression.text) } + [view.filterColumn].compactMap { $0 }
            return view.source == source && computed.contains(column)
        }
    }
}
