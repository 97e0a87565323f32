import ArrowTables
import FeatureModel
import TrainingSets

/// Which columns of a label file are keys, time and request values, and how a piece's rows are read from them.
struct LabelColumns {
    let timestampColumn: String
    let joinKeys: [Field]
    let requests: [(field: Field, column: String)]
    let zone: TimestampZone

    /// Rows of a piece.
    struct Rows {
        /// The good ones.
        var rows: LabelRows
        /// Of each good row the values that its request brings along; empty where it needs none.
        var request: [[FeatureValue]]
        /// Of the good rows those whose time is written without a zone.
        var timesWithoutZone: Int
        var bad: BadLabels

        /// Whether each row of the piece is good; nil when all are.
        var keep: [Bool]? { rows.count == bad.reasons.count ? nil : bad.reasons.map { $0 == nil } }
    }

    /// All names, each once.
    var names: [String] {
        var names: [String] = []
        for name in [timestampColumn] + joinKeys.map(\.name) + requests.map(\.column) where !names.contains(name) {
            names.append(name)
        }
        return names
    }

    func rows(of piece: Table) throws -> Rows {
        var bad = BadLabels(rowCount: piece.rowCount)
        var instants = try values(of: timestampColumn, in: piece, what: "a time (ISO 8601)", &bad) {
            name,
            table in
            try table.timestampColumn(name)
        } parse: {
            Instant(iso8601: $0)
        }
        let lackZone = try piece.timesWithoutZone(timestampColumn)
        zone.place(&instants, where: lackZone) { bad.note($0, "column '\(timestampColumn)' \($1)") }
        let keys = try joinKeys.map { try keyValues(of: $0, in: piece, &bad) }
        let requests = try requests.map { try requestValues(of: $0.field, from: $0.column, in: piece, &bad) }
        var encoded = PackedKeys()
        var key: [UInt8] = []
        for row in 0..<piece.rowCount where bad.reasons[row] == nil {
            key.removeAll(keepingCapacity: true)
            let isWritten = keys.allSatisfy { $0.append(row, to: &key) }
            if isWritten, key.count <= EntityKey.byteCountMax {
                key.withUnsafeBytes { encoded.append($0) }
            } else {
                bad.note(row, "its entity key is longer than \(EntityKey.byteCountMax) bytes")
            }
        }
        let good = bad.reasons.indices.filter { bad.reasons[$0] == nil }
        return Rows(
            rows: LabelRows(keys: encoded, asOf: good.compactMap { instants[$0] }),
            request: requests.isEmpty ? [] : good.map { row in requests.map { $0[row] } },
            timesWithoutZone: good.count { lackZone[$0] },
            bad: bad
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

extension LabelColumns {
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
