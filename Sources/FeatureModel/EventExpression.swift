// What a view computes from each event before it is stored: a filter, and derived columns.
//
//   filter: status = 'paid'            --> a stored mark: null unless the expression is true
//   columns: {net: amount - fee}       --> a stored column under the expression's own text
//   a source with tombstones           --> a stored mark: null for the tombstones, whatever the view
//   a source with an event_id          --> its field, and a mark: null for duplicates, whatever the view
//
// The mark of a filter is there for tombstones too: attribute views take them as versions, feature views leave out what
// lacks the other mark.
//
// A history holds the columns of all its views. They are named by what they hold, so two views that say the same share
// one column, and two that give one name to different things do not collide. No field of a source begins like this.

/// An expression over a source's fields, checked.
public struct EventExpression: Hashable, Sendable {
    /// The canonical text: one for all expressions that mean the same in other layout.
    public var text: String
    public var type: ValueType
    /// The fields that it reads.
    public var fields: [String]

    public init(text: String, type: ValueType, fields: [String]) {
        self.text = text
        self.type = type
        self.fields = fields
    }
}

/// A column that a view adds to its source's.
public struct DerivedColumn: Hashable, Sendable {
    public var name: String
    public var expression: EventExpression

    public init(name: String, expression: EventExpression) {
        self.name = name
        self.expression = expression
    }
}

/// Where a stored column's values come from, written in its name.
public enum StoredColumn: Hashable, Sendable {
    /// A field of the source.
    case field(String)
    /// The value of an expression.
    case value(String)
    /// True where an expression is true, else null; false for tombstones.
    case mark(String)
    /// True for every event but tombstones, for which it is null.
    case live
    /// Null for an event whose `event_id`, this field, another one of the same event time and a lesser position has. What is
    /// stored does not matter: where the entity's events come together the mark is made anew.
    case counts(by: String)

    public var name: String {
        switch self {
        case .field(let name): name
        case .value(let text): "= \(text)"
        case .mark(let text): "? \(text)"
        case .live: Self.liveName
        case .counts(let field): Self.countsPrefix + field
        }
    }

    public init(name: String) {
        if name.hasPrefix("= ") {
            self = .value(String(name.dropFirst(2)))
        } else if name.hasPrefix("? ") {
            self = .mark(String(name.dropFirst(2)))
        } else if name == Self.liveName {
            self = .live
        } else if name.hasPrefix(Self.countsPrefix) {
            self = .counts(by: String(name.dropFirst(Self.countsPrefix.count)))
        } else {
            self = .field(name)
        }
    }

    private static let liveName = "! live"
    private static let countsPrefix = "! counts by "
}

extension EventView {
    /// The stored column of a feature's column: a derived one where the view has it, else the source's.
    public func storedColumn(_ name: String) -> StoredColumn {
        columns.first { $0.name == name }.map { .value($0.expression.text) } ?? .field(name)
    }

    /// The mark that says which events pass the view's filter.
    public var filterColumn: StoredColumn? { filter.map { .mark($0.text) } }

    /// The type of a source's or derived column; nil when there is no such one.
    public func type(ofColumn name: String, over source: Source) -> ValueType? {
        columns.first { $0.name == name }?.expression.type ?? source.schema.first { $0.name == name }?.type
    }

    /// Every stored column that the view reads, with its type; nil for a field that the source lacks.
    public func storedColumns(of source: Source) -> [(column: StoredColumn, type: ValueType?)] {
        var wanted: [(column: StoredColumn, type: ValueType?)] = []
        func add(_ column: StoredColumn, _ type: ValueType?) {
            if !wanted.contains(where: { $0.column == column }) { wanted.append((column, type)) }
        }
        for name in usedColumns {
            add(storedColumn(name), type(ofColumn: name, over: source))
        }
        if let filterColumn { add(filterColumn, .bool) }
        if source.hasTombstones { add(.live, .bool) }
        if let field = source.eventID {
            add(.field(field), source.schema.first { $0.name == field }?.type)
            add(.counts(by: field), .int64)
        }
        return wanted
    }

    /// The source's fields that the view reads, itself or in an expression.
    public var fields: Set<String> {
        let derived = Set(columns.map(\.name))
        var fields = Set(usedColumns.filter { !derived.contains($0) })
        for column in columns { fields.formUnion(column.expression.fields) }
        return fields.union(filter?.fields ?? [])
    }
}

extension FeatureView {
    /// The type of an aggregation's value; nil when its column is missing or of a type that its function does not take.
    public func type(of aggregation: Aggregation, over source: Source) -> FeatureType? {
        let category = aggregation.groupBy.flatMap { type(ofColumn: $0, over: source) }
        if aggregation.groupBy != nil, category == nil { return nil }
        let column = aggregation.column.flatMap { type(ofColumn: $0, over: source) }
        return aggregation.function.resultType(of: column, groupBy: category)
            .map { aggregation.timeWindow.type(of: $0) }
    }
}
