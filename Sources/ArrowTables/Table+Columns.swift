public import FeatureModel

extension Table {
    /// Arrow's word for a column's type, such as `int64`, `string` or `timestamp[us, tz=UTC]`.
    ///
    /// - Throws: as every question about a column, `noSuchColumn` (naming the nearest one that exists) and
    ///   `ambiguousColumn` when the file has two of that name.
    public func columnType(_ name: String) throws(TableError) -> String {
        handle.columnType(try index(of: name))
    }

    /// A column of whole numbers: integers of any width, doubles that all are whole (pandas stores integers with nulls
    /// so), or their decimal text.
    ///
    /// - Throws: `badValue` for another type, or for a value that is not a whole number of 64 bits; for text, with its line.
    public func int64Column(_ name: String) throws(TableError) -> NullableColumn<Int64> {
        let column = try index(of: name)
        guard isText(column) else { return try handle.int64Column(column, path: path) }
        return try parsed(name, column, null: 0, what: "a whole number") { bytes in
            Int64(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// A column of numbers: doubles, or integers, each as the nearest double.
    ///
    /// - Throws: `badValue` for another type; text is one too.
    public func float64Column(_ name: String) throws(TableError) -> NullableColumn<Double> {
        let bits = try handle.doubleColumn(try index(of: name), path: path)
        return NullableColumn(
            values: bits.values.map { Double(bitPattern: UInt64(bitPattern: $0)) },
            isValid: bits.isValid
        )
    }

    /// A column of `true` and `false`.
    ///
    /// - Throws: `badValue` for another type; text is one too.
    public func boolColumn(_ name: String) throws(TableError) -> NullableColumn<Bool> {
        let flags = try handle.boolColumn(try index(of: name), path: path)
        return NullableColumn(values: flags.values.map { $0 != 0 }, isValid: flags.isValid)
    }

    /// A column of text: text, or the decimal text of integers, or `true` and `false`.
    ///
    /// - Throws: `badValue` for another type.
    public func stringColumn(_ name: String) throws(TableError) -> NullableColumn<String> {
        try parsed(name, try index(of: name), null: "", what: "text") { bytes in
            String(decoding: bytes, as: UTF8.self)
        }
    }

    /// A column of instants: timestamps of any unit and zone, dates (midnight UTC), or ISO 8601 text as
    /// `Instant(iso8601:)` reads it. A time without zone is taken as UTC. Whole numbers are refused, since their unit is
    /// not known.
    ///
    /// - Throws: `badValue` for another type, for text that is no time (with its line), and for digits beyond
    ///   microseconds: a rounded time could cross a window's edge.
    public func timestampColumn(_ name: String) throws(TableError) -> NullableColumn<Instant> {
        let column = try index(of: name)
        guard isText(column) else {
            let micros = try handle.timestampColumn(column, path: path)
            return NullableColumn(values: micros.values.map(Instant.init(microseconds:)), isValid: micros.isValid)
        }
        return try parsed(name, column, null: Instant(microseconds: 0), what: "an ISO 8601 time") { bytes in
            Instant(iso8601: bytes)
        }
    }

    func isText(_ column: Int) -> Bool {
        var type = handle.columnType(column)[...]
        let dictionary = "dictionary<values="
        if type.hasPrefix(dictionary) { type = type.dropFirst(dictionary.count) }
        return type.hasPrefix("string") || type.hasPrefix("large_string")
    }

    func index(of name: String) throws(TableError) -> Int {
        try TableError.place(of: name, among: columnNames, path: path)
    }

    private func parsed<Value: Sendable>(
        _ name: String,
        _ column: Int,
        null: Value,
        what: String,
        _ parse: (UnsafeRawBufferPointer) -> Value?
    ) throws(TableError) -> NullableColumn<Value> {
        var values: [Value] = []
        var isValid: [Bool] = []
        values.reserveCapacity(rowCount)
        isValid.reserveCapacity(rowCount)
        try handle.forEachText(column, path: path) { row, bytes throws(TableError) in
            guard let bytes else {
                values.append(null)
                isValid.append(false)
                return
            }
            guard let value = parse(bytes) else {
                let text = String(decoding: bytes.prefix(100), as: UTF8.self)
                throw TableError(
                    code: .badValue,
                    message: "\(place(ofRow: row)): column '\(name)' holds '\(text)', which is not \(what)",
                    path: path
                )
            }
            values.append(value)
            isValid.append(true)
        }
        return NullableColumn(values: values, isValid: isValid)
    }
}
