import ArrowTables
import FeatureModel

/// Label rows: the file's table, and each row's key and T.
struct Labels {
    var table: Table
    var keys: [[FeatureValue]]
    var asOf: [Instant]
    /// Malformed rows that were left out.
    var skippedCount: Int

    var count: Int { asOf.count }
}

/// Reads a label file. A malformed row is named by its line and fails the read, or is left out and counted.
struct LabelReader {
    let path: String
    let timestampColumn: String?
    let skipBadRows: Bool
    /// Whether the columns of a CSV file keep their text (for CSV out) or get types from their values (for the others).
    let keepsText: Bool

    func read(joinKeys: [Field]) throws -> Labels {
        // Text stays text, so that what is written back is what was read, and a bad value can be named by its line.
        let table = try Table.read(path: path, textColumns: .every, skipBadRows: skipBadRows)
        let time = try timeColumn(table)
        var isGood = [Bool](repeating: true, count: table.rowCount)
        let instants = try values(of: time, in: table, what: "a time (ISO 8601)", &isGood) { name, table in
            try table.timestampColumn(name)
        } parse: {
            Instant(iso8601: $0)
        }
        let keys = try joinKeys.map { joinKey -> [FeatureValue?] in
            if joinKey.type == .int64 {
                return try values(of: joinKey.name, in: table, what: "a whole number of 64 bits", &isGood) {
                    name,
                    table in
                    try table.int64Column(name)
                } parse: {
                    Int64($0)
                }.map { $0.map(FeatureValue.int64) }
            }
            return try values(of: joinKey.name, in: table, what: "text", &isGood) { name, table in
                try table.stringColumn(name)
            } parse: {
                $0
            }.map { $0.map(FeatureValue.string) }
        }
        let rows = isGood.indices.filter { isGood[$0] }
        guard !rows.isEmpty else { throw Failure(.usage, "\(path): no label rows") }
        let output = keepsText ? table : try Table.read(path: path, skipBadRows: skipBadRows)
        return Labels(
            table: rows.count == table.rowCount ? output : try output.filter(keeping: isGood),
            keys: rows.map { row in keys.map { $0[row] ?? .null } },
            asOf: rows.compactMap { instants[$0] },
            skippedCount: table.rowCount - rows.count + table.badRows.count
        )
    }

    private func timeColumn(_ table: Table) throws -> String {
        if let timestampColumn { return timestampColumn }
        for name in ["event_timestamp", "timestamp"] where table.columnNames.contains(name) { return name }
        throw Failure(
            .usage,
            "\(path): no column event_timestamp or timestamp; name the time column with --timestamp-column. Columns: \(table.columnNames.joined(separator: ", "))"
        )
    }

    /// A column's values by row; nil, with the row marked bad, where there is none.
    private func values<Value: Sendable>(
        of name: String,
        in table: Table,
        what: String,
        _ isGood: inout [Bool],
        typed: (String, Table) throws -> NullableColumn<Value>,
        parse: (String) -> Value?
    ) throws -> [Value?] {
        let isText = try table.columnType(name).contains("string")
        let values: [Value?]
        var texts: NullableColumn<String>?
        if isText {
            let column = try table.stringColumn(name)
            values = (0..<column.count).map { column[$0].flatMap(parse) }
            texts = column
        } else {
            let column = try typed(name, table)
            values = (0..<column.count).map { column[$0] }
        }
        for row in values.indices where values[row] == nil && isGood[row] {
            guard skipBadRows else {
                let place = table.lineNumber(ofRow: row).map { "line \($0)" } ?? "row \(row + 1)"
                let found = texts?[row].map { "holds '\($0)', which is not \(what)" } ?? "is empty"
                throw Failure(
                    .usage,
                    "\(path): \(place): column '\(name)' \(found)\nfix the row, or leave such rows out with --skip-bad-rows"
                )
            }
            isGood[row] = false
        }
        return values
    }
}
