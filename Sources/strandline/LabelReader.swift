import ArrowTables
import FeatureModel

/// Label rows: the file's table, and each row's key and T.
struct Labels {
    var table: Table
    var keys: [[FeatureValue]]
    /// The keys' bytes.
    var encodedKeys: [[UInt8]]
    var asOf: [Instant]
    /// Malformed rows that were left out.
    var skippedCount: Int

    var count: Int { asOf.count }
}

/// Reads a label file. The first malformed row of the file is named and fails the read, or all are left out and counted.
struct LabelReader {
    let path: String
    let timestampColumn: String?
    let skipBadRows: Bool
    /// Whether the columns of a CSV file keep their text (for CSV out) or get types from their values (for the others).
    let keepsText: Bool

    func read(joinKeys: [Field]) throws -> Labels {
        // Text stays text, so that what is written back is what was read, and a bad value can be named by its line. Rows
        // with a wrong number of fields are left out at first: a row before them may be bad in another way.
        let table = try Table.read(path: path, textColumns: .every, skipBadRows: true)
        var bad = BadLabels(rowCount: table.rowCount)
        let instants = try values(of: try timeColumn(table), in: table, what: "a time (ISO 8601)", &bad) {
            name,
            table in
            try table.timestampColumn(name)
        } parse: {
            Instant(iso8601: $0)
        }
        let keys = try joinKeys.map { try keyValues(of: $0, in: table, &bad) }
        var encoded: [[UInt8]] = []
        for row in 0..<table.rowCount where bad.reasons[row] == nil {
            if let bytes = EntityKey.encode(keys.map { $0[row] ?? .null }) {
                encoded.append(bytes)
            } else {
                bad.note(row, "its entity key is longer than \(EntityKey.byteCountMax) bytes")
            }
        }
        if !skipBadRows, let first = bad.first(in: table) {
            throw Failure(
                .usage,
                "\(path): \(first)\nfix the row, or leave such rows out with --skip-bad-rows"
            )
        }
        let rows = bad.reasons.indices.filter { bad.reasons[$0] == nil }
        guard !rows.isEmpty else { throw Failure(.usage, "\(path): no label rows") }
        let output = keepsText ? table : try Table.read(path: path, skipBadRows: true)
        return Labels(
            table: rows.count == table.rowCount ? output : try output.filter(keeping: bad.reasons.map { $0 == nil }),
            keys: rows.map { row in keys.map { $0[row] ?? .null } },
            encodedKeys: encoded,
            asOf: rows.compactMap { instants[$0] },
            skippedCount: table.rowCount - rows.count + table.badRows.count
        )
    }

    private func keyValues(of joinKey: Field, in table: Table, _ bad: inout BadLabels) throws -> [FeatureValue?] {
        if joinKey.type == .int64 {
            return try values(of: joinKey.name, in: table, what: "a whole number of 64 bits", &bad) { name, table in
                try table.int64Column(name)
            } parse: {
                Int64($0)
            }.map { $0.map(FeatureValue.int64) }
        }
        return try values(of: joinKey.name, in: table, what: "text", &bad) { name, table in
            try table.stringColumn(name)
        } parse: {
            $0
        }.map { $0.map(FeatureValue.string) }
    }

    private func timeColumn(_ table: Table) throws -> String {
        if let timestampColumn { return timestampColumn }
        for name in ["event_timestamp", "timestamp"] where table.columnNames.contains(name) { return name }
        throw Failure(
            .usage,
            "\(path): no column event_timestamp or timestamp; name the time column with --timestamp-column. Columns: \(table.columnNames.joined(separator: ", "))"
        )
    }

    /// A column's values by row; nil, with the row noted as bad, where there is none.
    private func values<Value: Sendable>(
        of name: String,
        in table: Table,
        what: String,
        _ bad: inout BadLabels,
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
        for row in values.indices where values[row] == nil {
            let found = texts?[row].map { "holds '\($0)', which is not \(what)" } ?? "is empty"
            bad.note(row, "column '\(name)' \(found)")
        }
        return values
    }
}

/// What is wrong with which row of a table, beside the rows that did not get into it.
private struct BadLabels {
    /// By row; nil for a good one.
    private(set) var reasons: [String?]

    init(rowCount: Int) { reasons = Array(repeating: nil, count: rowCount) }

    /// The first thing that is said about a row stays.
    mutating func note(_ row: Int, _ reason: String) { reasons[row] = reasons[row] ?? reason }

    /// The place and the reason of the bad row that the file has first; nil when all are good.
    func first(in table: Table) -> String? {
        let left = table.badRows.first
        guard let row = reasons.firstIndex(where: { $0 != nil }), let reason = reasons[row] else {
            return left.map(Self.text)
        }
        let line = table.lineNumber(ofRow: row)
        if let left, let line, left.line < line { return Self.text(left) }
        return "\(line.map { "line \($0)" } ?? "row \(row + 1)"): \(reason)"
    }

    private static func text(_ row: BadRow) -> String { "line \(row.line): \(row.reason): \(row.text)" }
}
