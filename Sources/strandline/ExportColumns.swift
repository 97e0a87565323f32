// The columns of an export, under names that no reader confuses:
//
//   join keys ... | event_timestamp | known_at | the view's columns ... | __deleted | __partition | __offset | __incarnation
//
// DuckDB, Spark and Hive take names without regard to case, and `date` is the folder's. A name that is taken gets a prefix.

import FeatureModel
import WireProtocol

struct ExportColumns {
    /// What an export's column is, as its manifest says it.
    struct Column: Codable, Equatable {
        var name: String
        /// `join_key`, `event_timestamp`, `known_at`, `column`, `deleted`, `position`.
        var role: String
        /// The field, or the expression, that it holds; absent where the role says it all.
        var source: String?
        var type: String
    }

    static let eventTimestamp = "event_timestamp"
    static let knownAt = "known_at"
    static let deleted = "__deleted"
    static let position = ["__partition", "__offset", "__incarnation"]

    let all: [Column]
    /// Names of the join keys, then of the view's columns.
    let keys: [String]
    let values: [String]

    init(_ schema: HistorySchemaMessage, hasDeletes: Bool) {
        var taken: Set<String> = ["date", Self.eventTimestamp, Self.knownAt, Self.deleted]
        taken.formUnion(Self.position)
        func free(_ name: String) -> String {
            var free = name
            while !taken.insert(free.lowercased()).inserted { free = "column__" + free }
            return free
        }
        keys = schema.joinKeys.map { free($0.name) }
        values = schema.columns.map { free($0.name) }
        var all = zip(keys, schema.joinKeys).map {
            Column(name: $0, role: "join_key", source: $1.name, type: $1.type.name)
        }
        all.append(Column(name: Self.eventTimestamp, role: "event_timestamp", type: "timestamp"))
        all.append(Column(name: Self.knownAt, role: "known_at", type: "timestamp"))
        all += zip(values, schema.columns).map { name, column in
            let isExpression = column.stored.hasPrefix("= ")
            let source = isExpression ? String(column.stored.dropFirst(2)) : column.stored
            return Column(name: name, role: "column", source: source, type: column.type.name)
        }
        if hasDeletes { all.append(Column(name: Self.deleted, role: "deleted", type: "bool")) }
        all += Self.position.map { Column(name: $0, role: "position", type: "int64") }
        self.all = all
    }
}
