import ArrowTables
import FeatureModel
import Testing

/// Fixtures/arrow/foreign.parquet holds three rows: a value, a null, a value; make_foreign.py beside it made it.
@Suite("Parquet files that others wrote")
struct ForeignParquetTests {
    private let instant = Instant(microseconds: 1_583_064_000_250_000)
    private let table: Table
    let folder: TemporaryFolder

    init() throws {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        table = try Table.read(path: "\(tests)/Fixtures/arrow/foreign.parquet")
        folder = try TemporaryFolder()
    }

    @Test func integersOfOtherWidths() throws {
        #expect(try table.int64Column("small").values == [7, 0, -3])
        #expect(try table.int64Column("small").isValid == [true, false, true])
        let error = #expect(throws: TableError.self) { try table.int64Column("unsigned") }
        #expect(error?.message.contains("column 'unsigned' of type uint64") == true)
        #expect(try table.stringColumn("unsigned").values == ["7", "", "18446744073709551615"])
    }

    @Test func textOfOtherKinds() throws {
        #expect(try table.stringColumn("category").values == ["a", "", "a"])
        #expect(try table.stringColumn("large").values == ["x", "", "y"])
        #expect(throws: TableError.self) { try table.stringColumn("tags") }
    }

    @Test("any unit and any zone", arguments: ["millis", "micros", "nanos"])
    func timestamps(name: String) throws {
        let column = try table.timestampColumn(name)
        #expect(column[0] == instant && column[1] == nil)
        #expect(column[2]?.microseconds == (name == "millis" ? -1000 : -1))
    }

    @Test func datesAreMidnight() throws {
        let column = try table.timestampColumn("day")
        #expect(column[0]?.iso8601 == "2020-03-01T00:00:00Z" && column[2]?.iso8601 == "1969-12-31T00:00:00Z")
    }

    @Test func finerThanMicrosecondsIsRefused() throws {
        let error = #expect(throws: TableError.self) { try table.timestampColumn("finer") }
        #expect(error?.message.contains("row 3 has digits beyond microseconds") == true)
    }

    @Test func everyColumnKeepsItsTypeInParquet() throws {
        var copy = table
        try copy.append(FeatureColumn(name: "sum", values: .float64([1, 2, 3]), isValid: [true, true, false]))
        try copy.write(path: folder.file("out.parquet"), metadata: ["strandline.manifest": "abc"])
        let back = try Table.read(path: folder.file("out.parquet"))
        for name in table.columnNames {
            #expect(try back.columnType(name) == table.columnType(name))
        }
    }

    @Test func csvSaysTheSameInstantAndListsAsJSON() throws {
        try table.write(path: folder.file("out.csv"))
        let back = try Table.read(path: folder.file("out.csv"), textColumns: .every)
        for name in ["millis", "micros", "nanos", "day"] {
            #expect(try back.timestampColumn(name) == table.timestampColumn(name))
        }
        #expect(try back.stringColumn("tags").values == [#"["a"]"#, "", "[]"])
        #expect(try back.stringColumn("tags").isValid == [true, false, true])
    }
}
