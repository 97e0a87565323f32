import ArrowTables
import FeatureModel
import TrainingSets

/// Label rows: the file's table, and each row's key and T.
struct Labels {
    var table: Table
    var rows: LabelRows
    /// Of each row the values that its request brings along; empty where it needs none.
    var request: [[FeatureValue]]
    /// Malformed rows that were left out.
    var skippedCount: Int
    var timestampColumn: String
    /// Times that are written without a zone.
    var timesWithoutZone: Int

    var count: Int { rows.count }
}

/// Reads a label file. The first malformed row of the file is named and fails the read, or all are left out and counted.
struct LabelReader {
    let path: String
    let timestampColumn: String?
    let skipBadRows: Bool
    let requestColumns: RequestColumns
    /// Whether the columns of a CSV file keep their text (for CSV out) or get types from their values (for the others).
    let keepsText: Bool
    let zone: TimestampZone

    /// - Parameter request: the request values that the features need; each is a column of its name, or of the one that
    ///   `requestColumns` gives.
    func read(joinKeys: [Field], request: [Field]) throws -> Labels {
        Table.returnFreedMemory()
        // Text stays text, so that what is written back is what was read, and a bad value can be named by its line. Rows
        // with a wrong number of fields are left out at first: a row before them may be bad in another way.
        let table = try Table.read(path: path, textColumns: .every, skipBadRows: true)
        var bad = BadLabels(rowCount: table.rowCount)
        let timestampColumn = try timeColumn(table)
        var instants = try values(of: timestampColumn, in: table, what: "a time (ISO 8601)", &bad) {
            name,
            table in
            try table.timestampColumn(name)
        } parse: {
            Instant(iso8601: $0)
        }
        let lackZone = try table.timesWithoutZone(timestampColumn)
        zone.place(&instants, where: lackZone) { bad.note($0, "column '\(timestampColumn)' \($1)") }
        let keys = try joinKeys.map { try keyValues(of: $0, in: table, &bad) }
        let requests = try requestColumns.resolve(request, in: table).map { field, column in
            try requestValues(of: field, from: column, in: table, &bad)
        }
        var encoded = PackedKeys()
        var key: [UInt8] = []
        for row in 0..<table.rowCount where bad.reasons[row] == nil {
            key.removeAll(keepingCapacity: true)
            let isWritten = keys.allSatisfy { $0.append(row, to: &key) }
            if isWritten, key.count <= EntityKey.byteCountMax {
                key.withUnsafeBytes { encoded.append($0) }
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
        // A key that is text stays it: `007` must not come out as 7. Formats other than CSV bring their types along.
        let texts = Set(joinKeys.filter { $0.type == .string }.map(\.name))
        let isText = try TableFormat(path: path) == .csv
        let output =
            keepsText || !isText ? table : try Table.read(path: path, textColumns: .named(texts), skipBadRows: true)
        return Labels(
            table: rows.count == table.rowCount ? output : try output.filter(keeping: bad.reasons.map { $0 == nil }),
            rows: LabelRows(keys: encoded, asOf: rows.compactMap { instants[$0] }),
            request: requests.isEmpty ? [] : rows.map { row in requests.map { $0[row] } },
            skippedCount: table.rowCount - rows.count + table.badRows.count,
            timestampColumn: timestampColumn,
            timesWithoutZone: rows.count { lackZone[$0] }
        )
    }

    /// A join key's values by row; nil where there is none.
    private enum KeyValues {
        case int64([Int64?])
        case string([String?])

        /// - Returns: false when the row has no value that can be part of a key.
        func append(_ row: Int, to key: inout [UInt8]) -> Bool {
            switch self {
            case .int64(let values):
                guard let number = values[row] else { return false }
                EntityKey.append(number, to: &key)
                return true
            case .string(let values):
                guard var text = values[row] else { return false }
                return text.withUTF8 { EntityKey.append(UnsafeRawBufferPointer($0), to: &key) }
            }
        }
    }

    private func keyValues(of joinKey: Field, in table: Table, _ bad: inout BadLabels) throws -> KeyValues {
        if joinKey.type == .int64 {
            return .int64(
                try values(of: joinKey.name, in: table, what: "a whole number of 64 bits", &bad) { name, table in
                    try table.int64Column(name)
                } parse: {
                    Int64($0)
                }
            )
        }
        return .string(
            try values(of: joinKey.name, in: table, what: "text", &bad) { name, table in
                try table.stringColumn(name)
            } parse: {
                $0
            }
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

extension LabelReader {
    /// A request value of each row; what is empty is null.
    fileprivate func requestValues(
        of field: Field,
        from column: String,
        in table: Table,
        _ bad: inout BadLabels
    ) throws -> [FeatureValue] {
        var values = try typedRequestValues(of: field, from: column, in: table, &bad)
        for row in values.indices {
            guard let problem = values[row].requestProblem(of: field.type) else { continue }
            bad.note(row, "column '\(column)' is \(problem)")
            values[row] = .null
        }
        return values
    }

    private func typedRequestValues(
        of field: Field,
        from column: String,
        in table: Table,
        _ bad: inout BadLabels
    ) throws -> [FeatureValue] {
        func cells<Value: Sendable>(_ column: NullableColumn<Value>, _ make: (Value) -> FeatureValue) -> [FeatureValue]
        {
            (0..<column.count).map { column[$0].map(make) ?? .null }
        }
        if field.type == .string { return cells(try table.stringColumn(column)) { .string($0) } }
        guard try table.columnType(column).contains("string") else {
            switch field.type {
            case .int64: return cells(try table.int64Column(column)) { .int64($0) }
            case .float64: return cells(try table.float64Column(column)) { .float64($0) }
            case .bool: return cells(try table.boolColumn(column)) { .bool($0) }
            case .timestamp: return cells(try table.timestampColumn(column)) { .timestamp($0) }
            case .string: return []
            }
        }
        let texts = try table.stringColumn(column)
        return (0..<texts.count).map { row in
            guard let text = texts[row] else { return .null }
            if let value = FeatureValue(requestText: text, field.type) { return value }
            bad.note(row, "column '\(column)' holds '\(text)', which is not \(field.type.requestForm)")
            return .null
        }
    }
}

/// Which column of the labels holds which request value, where their names differ: `amount=purchase_amount`.
struct RequestColumns {
    private var columns: [(name: String, column: String)] = []

    init(_ arguments: [String]) throws {
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw Failure(.usage, "--request-columns: '\(argument)' is not name=column, for example amount=price")
            }
            let name = String(argument[..<equals])
            guard !columns.contains(where: { $0.name == name }) else {
                throw Failure(.usage, "--request-columns: request value '\(name)' is given twice")
            }
            columns.append((name, String(argument[argument.index(after: equals)...])))
        }
    }

    /// Each request value with its column, which the table has.
    func resolve(_ request: [Field], in table: Table) throws -> [(field: Field, column: String)] {
        if let unknown = columns.first(where: { given in !request.contains { $0.name == given.name } }) {
            throw Failure(
                .usage,
                "--request-columns: no request value '\(unknown.name)' in these features"
                    + hint(for: unknown.name, among: request.map(\.name), title: "request values")
            )
        }
        return try request.map { field in
            let column = columns.first { $0.name == field.name }?.column ?? field.name
            guard table.columnNames.contains(column) else {
                throw Failure(
                    .usage,
                    "\(table.path ?? "the labels"): no column '\(column)' for the request value '\(field.name)' "
                        + "(\(field.type.name)); name another one with --request-columns \(field.name)=COLUMN. "
                        + "Columns: \(table.columnNames.joined(separator: ", "))"
                )
            }
            return (field, column)
        }
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
