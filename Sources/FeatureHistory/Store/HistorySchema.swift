public import FeatureModel
public import Windowing

/// One history: all events of one source for one set of join keys, with the union of the columns that views use. Views
/// of the same source and join keys share it, so a further view costs no further write, and an added feature over a
/// column that is here reads the whole past.
public struct HistorySchema: Hashable, Sendable {
    public var id: UInt32
    public var source: String
    /// In the order in which their values stand in the entity key.
    public var joinKeys: [Field]
    /// Columns are only ever added; their index is their place in stored events.
    public var columns: [HistoryColumn]
    /// When the history was begun, if its source had been consumed before; else `distantPast`.
    public var availableFrom: Instant

    /// The most columns of one history: their null bits share a word.
    public static let columnsMax = 64

    public func column(_ name: String) -> (index: Int, column: HistoryColumn)? {
        columns.firstIndex { $0.field.name == name }.map { ($0, columns[$0]) }
    }

    /// The types of the columns, and which of them tell duplicates apart: where every batch of the history learns it.
    public var types: ColumnTypes { ColumnTypes(columns.map(\.field.type), eventID: eventID) }

    /// The mark of duplicates, and the field that it goes by; nil where the source names no `event_id`.
    var countsBy: (mark: Int, field: String)? {
        for (index, column) in columns.enumerated() {
            if case .counts(let field) = StoredColumn(name: column.field.name) { return (index, field) }
        }
        return nil
    }

    private var eventID: EventIDColumns? {
        guard let (mark, name) = countsBy, let (id, _) = column(name) else { return nil }
        return EventIDColumns(id: id, mark: mark)
    }
}

public struct HistoryColumn: Hashable, Sendable {
    public var field: Field
    /// When the column was added to a history that had events already; `distantPast` when it was there from the start.
    public var availableFrom: Instant
}

/// What the store knows about a source beside its definition.
public struct SourceRecord: Hashable, Sendable {
    /// Never reused: part of every position.
    public var ordinal: UInt16
    /// Grows when the topic is recreated. 0 until the source is first consumed.
    public var incarnation: UInt16
    /// Kafka's cluster id, or a development broker's marker; empty until first consumed.
    public var cluster: String
    /// Values are complete only from here on; `distantPast` when consumption began at offset 0.
    public var availableFrom: Instant
    /// Whether `availableFrom` has been decided (by the first commit that held events of the source).
    public var isAvailabilityDecided: Bool
    /// Events whose event time and arrival both lie before it may be gone; `distantPast` while all are kept. Never moves back.
    public var horizon: Instant = .distantPast
    /// The horizon up to which leaves were rewritten.
    public var sweptHorizon: Instant = .distantPast
}
