// What the check of a written file asks of its columns.

extension Table {
    /// Each value of a column as CSV has it, without CSV's quotes: doubles in the shortest form of the same bits, times as
    /// ISO 8601, lists and maps as JSON. Equal texts of one type are equal bits.
    ///
    /// - Throws: `noSuchColumn`, `ambiguousColumn`; `badValue` for types without text, such as structs.
    public func cellTexts(_ name: String) throws(TableError) -> NullableColumn<String> {
        var values: [String] = []
        var isValid: [Bool] = []
        values.reserveCapacity(rowCount)
        isValid.reserveCapacity(rowCount)
        try handle.forEachText(try index(of: name), path: path, asCells: true) { _, bytes throws(TableError) in
            values.append(bytes.map { String(decoding: $0, as: UTF8.self) } ?? "")
            isValid.append(bytes != nil)
        }
        return NullableColumn(values: values, isValid: isValid)
    }

    /// Of each row whether its time is written without a zone: all or none of a column of timestamps, all dates, and of
    /// text what has neither an offset nor `Z`. Null is not.
    public func timesWithoutZone(_ name: String) throws(TableError) -> [Bool] {
        let column = try index(of: name)
        guard isText(column) else {
            return Array(repeating: !handle.columnType(column).contains("tz="), count: rowCount)
        }
        var flags: [Bool] = []
        flags.reserveCapacity(rowCount)
        try handle.forEachText(column, path: path) { _, bytes throws(TableError) in
            flags.append(bytes.map(Self.lacksZone) ?? false)
        }
        return flags
    }

    /// Of text that is a time: the date has two `-` of its own, and a zone stands behind it.
    private static func lacksZone(_ time: UnsafeRawBufferPointer) -> Bool {
        !time.dropFirst(10).contains { byte in "Zz+-".utf8.contains(byte) }
    }
}
