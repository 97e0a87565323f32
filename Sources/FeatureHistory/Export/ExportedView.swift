public import FeatureModel
import Windowing

/// What goes out of a view: which stored columns it reads, and which events it counts. Made for one catalog.
public struct ExportedView: Sendable {
    public struct Column: Hashable, Sendable {
        /// The view's name for it.
        public var name: String
        /// What it holds: a field of the source, or `= ` and an expression's text.
        public var stored: String
        public var type: ValueType
        let index: Int
    }

    public let name: String
    public let history: HistorySchema
    /// Those that the view's features read, in their order, each once.
    public let columns: [Column]
    /// The canonical text of the view's filter; nil where it has none.
    public let filter: String?
    /// The field that tells duplicates apart; nil where every event counts.
    public let eventID: String?
    /// The events are versions, and some of them may be deletes: an attribute view of a source with tombstones.
    public let hasDeletes: Bool
    /// Values are complete only from here on.
    public let availableFrom: Instant
    /// Up to where history may have been dropped; `distantPast` while all is kept.
    public let horizon: Instant
    /// An event that is null in one of these columns does not count.
    let mask: UInt64
    /// The column that is null for tombstones.
    let live: Int?
    /// Of the whole history, as its leaves are read.
    let types: ColumnTypes

    /// - Throws: `unknownName` with the nearest name; `refused` for an on-demand view, which has no events of its own.
    public init(_ name: String, in catalog: Catalog) throws(StoreError) {
        if let view = catalog.definition.onDemandFeatureViews.first(where: { $0.name == name }) {
            var inputs: [String] = []
            for input in view.features.flatMap(\.featureInputs).map(\.view) where !inputs.contains(input) {
                inputs.append(input)
            }
            throw StoreError(
                .refused,
                "view '\(name)' is an on-demand feature view: it has no events of its own; export the views that it reads: "
                    + inputs.joined(separator: ", ")
            )
        }
        guard let view = catalog.view(name) else {
            let known = catalog.definition.views.map(\.name)
            throw StoreError(.unknownName, "no view '\(name)'" + hint(for: name, among: known, title: "views"))
        }
        guard let entity = catalog.entity(view.entity), let record = catalog.sources[view.source],
            let history = catalog.history(source: view.source, joinKeys: entity.joinKeys)
        else { throw StoreError(.unknownName, "view '\(name)' is not applied") }
        self.name = name
        self.history = history
        types = history.types
        var columns: [Column] = []
        var from = max(record.availableFrom, history.availableFrom)
        for used in view.usedColumns where !columns.contains(where: { $0.name == used }) {
            guard let (index, column) = history.column(view.storedColumn(used).name) else { continue }
            columns.append(Column(name: used, stored: column.field.name, type: column.field.type, index: index))
            from = max(from, column.availableFrom)
        }
        self.columns = columns
        filter = view.filter?.text
        let passes = view.filterColumn.flatMap { history.column($0.name) }
        if let passes { from = max(from, passes.column.availableFrom) }
        live = history.column(StoredColumn.live.name)?.index
        // Deletes are versions of an attribute view, and nothing to a feature view.
        hasDeletes = live != nil && view is AttributeView
        let required = [passes?.index, hasDeletes ? nil : live].compactMap { $0 }
        mask = required.reduce(0) { $0 | 1 << UInt64($1) }
        eventID = history.countsBy?.field
        availableFrom = from
        horizon = record.horizon
    }
}
