import ArrowTables
import FeatureModel
import Testing

@Suite("Columns of lists and maps")
struct ListAndMapTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func entry(_ key: FeatureValue, _ value: FeatureValue) -> FeatureValue.Entry {
        .init(key: key, value: value)
    }

    /// A value, null, an empty one and one with a null inside, of each type.
    private func columns() -> [FeatureColumn] {
        let instants = [-1, 867_628_800_123_456].map { FeatureValue.timestamp(Instant(microseconds: $0)) }
        let lists: [(ValueType, [FeatureValue])] = [
            (.int64, [.int64(.max), .null, .int64(.min)]),
            (.float64, [.float64(0.1), .float64(-0.0), .null, .float64(1e300), .float64(3)]),
            (.string, [.string("ü,\"\n\u{1}"), .null, .string("")]), (.bool, [.bool(true), .null, .bool(false)]),
            (.timestamp, [instants[0], .null, instants[1]]),
        ]
        let maps: [(ValueType, ValueType, [FeatureValue.Entry])] = [
            (.string, .int64, [entry(.string("b"), .int64(1)), entry(.string("a\""), .null)]),
            (.int64, .float64, [entry(.int64(-7), .float64(0.1)), entry(.int64(42), .float64(2))]),
            (.timestamp, .string, [entry(instants[1], .string("x"))]),
            (.bool, .bool, [entry(.bool(true), .bool(false))]),
            (.float64, .timestamp, [entry(.float64(0.5), instants[0])]),
        ]
        return lists.map { type, values in
            FeatureColumn(
                name: "list_\(type.name)",
                type: .list(of: type),
                cells: [.list(values), .null, .list([]), .list([.null])]
            )
        }
            + maps.map { key, value, entries in
                FeatureColumn(
                    name: "map_\(key.name)_\(value.name)",
                    type: .map(key, to: value),
                    cells: [.map(entries), .null, .map([]), .map(entries)]
                )
            }
    }

    private func table() throws -> Table {
        var table = try Table(rowCount: 4)
        try table.append(FeatureColumn(name: "n", values: .int64([1, 2, 3, 4]), isValid: [true, true, true, true]))
        for column in columns() { try table.append(column) }
        return table
    }

    /// CSV shows every value, so equal text means equal values.
    private func csv(_ table: Table) throws -> [String: [String?]] {
        try table.write(path: folder.file("shown.csv"))
        let text = try Table.read(path: folder.file("shown.csv"), textColumns: .every)
        return try Dictionary(
            uniqueKeysWithValues: text.columnNames.map { name in
                let column = try text.stringColumn(name)
                return (name, (0..<column.count).map { column[$0] })
            }
        )
    }

    private func parquetMap(_ table: Table, _ name: String) throws -> String {
        "\(try table.columnType(name).dropLast()) ('\(name)')>"
    }

    @Test("types and values survive", arguments: [TableFormat.parquet, .arrow])
    func roundTrip(format: TableFormat) throws {
        let table = try table()
        let path = folder.file("out.\(format.rawValue)")
        try table.write(path: path)
        let back = try Table.read(path: path)
        #expect(back.columnNames == table.columnNames && back.rowCount == 4)
        for name in table.columnNames {
            // Arrow's reader of Parquet names a map's entries after the column, which is no part of the type.
            let type = try back.columnType(name)
            #expect(try [table.columnType(name), parquetMap(table, name)].contains(type))
        }
        #expect(try csv(back) == csv(table))
        #expect(try back.columnType("list_int64") == "list<element: int64>")
        #expect(try back.columnType("map_string_int64").hasPrefix("map<string, int64"))
        // Filtering cuts into lists and maps too.
        let kept = try back.filter(keeping: [false, false, true, true])
        #expect(try csv(kept) == csv(table).mapValues { Array($0[2...]) })
    }

    @Test func csvHoldsJSON() throws {
        let text = try csv(table())
        #expect(text["list_int64"] == ["[9223372036854775807,null,-9223372036854775808]", nil, "[]", "[null]"])
        #expect(text["list_float64"]?[0] == "[0.1,-0.0,null,1e+300,3.0]")
        #expect(text["list_string"]?[0] == #"["ü,\"\n\u0001",null,""]"#)
        #expect(text["list_bool"]?[0] == "[true,null,false]")
        #expect(
            text["list_timestamp"]?[0] == #"["1969-12-31T23:59:59.999999Z",null,"1997-06-30T00:00:00.123456Z"]"#
        )
        #expect(text["map_string_int64"] == [#"{"b":1,"a\"":null}"#, nil, "{}", #"{"b":1,"a\"":null}"#])
        #expect(text["map_int64_float64"]?[0] == #"{"-7":0.1,"42":2.0}"#)
        #expect(text["map_timestamp_string"]?[0] == #"{"1997-06-30T00:00:00.123456Z":"x"}"#)
        #expect(text["map_bool_bool"]?[0] == #"{"true":false}"#)
        #expect(text["map_float64_timestamp"]?[0] == #"{"0.5":"1969-12-31T23:59:59.999999Z"}"#)
    }

    @Test func doublesThatAreNoNumbersAreNullInJSON() throws {
        var table = try Table(rowCount: 1)
        let values = [FeatureValue.float64(.nan), .float64(.infinity), .float64(1)]
        try table.append(FeatureColumn(name: "x", type: .list(of: .float64), cells: [.list(values)]))
        #expect(try csv(table)["x"] == ["[null,null,1.0]"])
    }

    @Test func timesWithoutTextAreNamedByTheirColumn() throws {
        var table = try Table(rowCount: 1)
        try table.append(
            FeatureColumn(name: "t", type: .list(of: .timestamp), cells: [.list([.timestamp(.distantFuture)])])
        )
        let error = #expect(throws: TableError.self) { try table.write(path: folder.file("t.csv")) }
        #expect(error?.message.contains("column 't' holds a time outside the years 1 to 9999") == true)
        try table.write(path: folder.file("t.parquet"))
    }

    @Test func whatIsNotOfTheTypeIsNull() throws {
        var table = try Table(rowCount: 2)
        try table.append(FeatureColumn(name: "a", type: .int64, cells: [.string("x"), .int64(1)]))
        try table.append(FeatureColumn(name: "b", type: .list(of: .int64), cells: [.int64(1), .list([.bool(true)])]))
        #expect(try csv(table) == ["a": [nil, "1"], "b": [nil, "[null]"]])
    }

    @Test("rows of many batches and row groups", arguments: [TableFormat.parquet, .arrow])
    func manyRows(format: TableFormat) throws {
        let count = 150_000
        let cells = (0..<count).map { row -> FeatureValue in
            row % 7 == 0 ? .null : .list((0..<(row % 4)).map { .int64(Int64(row + $0)) })
        }
        var table = try Table(rowCount: count)
        try table.append(FeatureColumn(name: "x", type: .list(of: .int64), cells: cells))
        try table.append(FeatureColumn(name: "n", type: .int64, cells: (0..<count).map { .int64(Int64($0)) }))
        let path = folder.file("many.\(format.rawValue)")
        try table.write(path: path)
        let shown = try csv(try Table.read(path: path))["x"] ?? []
        #expect(shown.count == count)
        let isRight = shown.indices.allSatisfy { row in
            let wanted = "[\((0..<(row % 4)).map { "\(row + $0)" }.joined(separator: ","))]"
            return shown[row] == (row % 7 == 0 ? nil : wanted)
        }
        #expect(isRight)
    }
}
