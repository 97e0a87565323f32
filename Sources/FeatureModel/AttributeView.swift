// Attribute views: the latest value of a column by event time, as of (T, K).
//
//   events of one entity   v1 -------- v2 ------ v3(deleted) ------ v4 --------> event time
//   as of T                    v1          v2        NOT_FOUND          v4       each event is a version
//
// A version is a whole row: its null columns are null, whatever an older version holds.

/// One feature of an attribute view: a column of the entity's newest version.
public struct Attribute: Hashable, Sendable {
    /// The feature's name; the column's unless given.
    public var name: String
    /// A field of the source, or a derived column of the view.
    public var column: String
    public init(name: String? = nil, column: String) {
        self.name = name ?? column
        self.column = column
    }
}

/// The newest version of an entity in one source.
public struct AttributeView: Hashable, Sendable {
    public var name: String
    public var entity: String
    public var source: String
    /// A version older than this at T has no value, in microseconds; nil: no limit.
    public var maxAge: Int64?
    public var history: HistoryLength
    /// Events for which it is not true are no versions; deletes always are.
    public var filter: EventExpression?
    /// Columns beside those of the source.
    public var columns: [DerivedColumn]
    public var attributes: [Attribute]
    public var description: String
    public init(
        name: String,
        entity: String,
        source: String,
        maxAge: Int64? = nil,
        history: HistoryLength = .forever,
        filter: EventExpression? = nil,
        columns: [DerivedColumn] = [],
        attributes: [Attribute],
        description: String = ""
    ) {
        self.name = name
        self.entity = entity
        self.source = source
        self.maxAge = maxAge
        self.history = history
        self.filter = filter
        self.columns = columns
        self.attributes = attributes
        self.description = description
    }

    /// The type of an attribute; nil when its column is missing.
    public func type(of attribute: Attribute, over source: Source) -> ValueType? {
        columns.first { $0.name == attribute.column }?.expression.type
            ?? source.schema.first { $0.name == attribute.column }?.type
    }
}

/// What feature views and attribute views have in common: they take in the events of one source for one entity, and
/// share the history of the two. For definitions and plans only; no event passes through it.
public protocol EventView: Sendable {
    var name: String { get }
    var entity: String { get }
    var source: String { get }
    var history: HistoryLength { get }
    var filter: EventExpression? { get }
    var columns: [DerivedColumn] { get }
    var description: String { get }
    /// Its features, each with the columns that it reads, by the view's names for them.
    var features: [(name: String, columns: [String])] { get }
}

extension EventView {
    public var usedColumns: [String] { features.flatMap(\.columns) }
    public var featureNames: [String] { features.map(\.name) }
}

extension FeatureView: EventView {
    public var features: [(name: String, columns: [String])] { aggregations.map { ($0.name, $0.columnsRead) } }
}

extension AttributeView: EventView {
    public var features: [(name: String, columns: [String])] { attributes.map { ($0.name, [$0.column]) } }
}

extension FeatureStoreDefinition {
    /// Views of both kinds. They share one set of names.
    public var views: [any EventView] { featureViews as [any EventView] + attributeViews }
}
