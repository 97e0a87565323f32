import FeatureModel
import Testing

@testable import ArrowTables

@Suite("Columns")
struct ColumnTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("times of any spelling become the same instant")
    func timesAsText() throws {
        let spellings = [
            "2020-03-01T12:00:00Z", "2020-03-01 12:00:00", "2020-03-01T14:00:00+02:00", "2020-03-01T12:00:00.000Z",
        ]
        let path = try folder.write("t.csv", "t,n\n" + spellings.map { "\($0),1\n" }.joined())
        let text = try Table.read(path: path, textColumns: ["t"]).timestampColumn("t")
        #expect(text.values == spellings.map { _ in Instant(microseconds: 1_583_064_000_000_000) })
    }

    /// Arrow gives these columns types of three units, with and without zone.
    @Test(
        "typed times of any unit are microseconds UTC",
        arguments: [
            ("2020-03-01", "date32[day]", 1_583_020_800_000_000),
            ("2020-03-01 12:00:00", "timestamp[s]", 1_583_064_000_000_000),
            ("2020-03-01 12:00:00.000001", "timestamp[ns]", 1_583_064_000_000_001),
            ("2020-03-01T14:00:00+02:00", "timestamp[s, tz=UTC]", 1_583_064_000_000_000),
            ("1969-12-31T23:59:59.999999Z", "timestamp[ns, tz=UTC]", -1),
        ]
    )
    func typedTimes(spelling: String, type: String, micros: Int64) throws {
        let table = try Table.read(path: folder.write("t.csv", "t,n\n\(spelling),1\n,2\n"))
        #expect(try table.columnType("t") == type)
        let column = try table.timestampColumn("t")
        #expect(column[0] == Instant(microseconds: micros) && column[1] == nil)
        // The unit and the zone survive Parquet, and CSV text names the same instant.
        try table.write(path: folder.file("t.parquet"))
        #expect(try Table.read(path: folder.file("t.parquet")).timestampColumn("t") == column)
        try table.write(path: folder.file("u.csv"))
        #expect(try Table.read(path: folder.file("u.csv"), textColumns: ["t"]).timestampColumn("t") == column)
    }

    @Test func digitsBeyondMicrosecondsAreRefused() throws {
        let table = try Table.read(path: folder.write("t.csv", "t\n2020-03-01 12:00:00.0000005\n"))
        let error = #expect(throws: TableError.self) { try table.timestampColumn("t") }
        #expect(error?.message.contains("row 1 has digits beyond microseconds") == true)
        #expect(error?.code == .badValue)
    }

    @Test func numbersAreNoTimes() throws {
        let table = try Table.read(path: folder.write("t.csv", "t\n1583064000\n"))
        let error = #expect(throws: TableError.self) { try table.timestampColumn("t") }
        #expect(error?.code == .badValue)
    }

    @Test func numbersAndFlags() throws {
        let table = try Table.read(
            path: folder.write("n.csv", "a,b,c,d\n1,1.5,true,x\n,,,y\n9007199254740993,-0.25,false,z\n")
        )
        #expect(try table.float64Column("a").values == [1, 0, 9_007_199_254_740_992])
        #expect(try table.float64Column("b").isValid == [true, false, true])
        #expect(try table.float64Column("b")[2] == -0.25)
        let flags = try table.boolColumn("c")
        #expect(flags[0] == true && flags[1] == nil && flags[2] == false)
        for name in ["c", "d"] { #expect(throws: TableError.self) { try table.float64Column(name) } }
        for name in ["a", "b", "d"] { #expect(throws: TableError.self) { try table.boolColumn(name) } }
    }

    @Test("whole doubles are integers, others are not")
    func doublesAsIntegers() throws {
        let table = try Table.read(path: folder.write("t.csv", "a,b\n1.0,1.5\n,\n-3.0,2\n"))
        #expect(try table.columnType("a") == "double")
        #expect(try table.int64Column("a").values == [1, 0, -3])
        #expect(try table.int64Column("a").isValid == [true, false, true])
        let error = #expect(throws: TableError.self) { try table.int64Column("b") }
        #expect(error?.message.contains("column 'b' of type double") == true)
    }

    @Test func integersReadAsText() throws {
        let table = try Table.read(path: folder.write("t.csv", "a,b\n1,x\n,y\n"))
        #expect(try table.stringColumn("a").values == ["1", ""])
        #expect(try table.stringColumn("a")[1] == nil)
    }

    @Test func onlyTheEmptyFieldIsNull() throws {
        let table = try Table.read(path: folder.write("t.csv", "a,b\nNA,nan\nnull,1.5\n\"\",\n"))
        #expect(try table.stringColumn("a").isValid == [true, true, true])
        #expect(try table.columnType("b") == "double")
    }

    @Test func copiesAreIndependent() throws {
        let first = try Table.read(path: folder.write("t.csv", "a\n1\n"))
        var second = first
        try second.append(FeatureColumn(name: "b", values: .bool([true]), isValid: [true]))
        #expect(first.columnNames == ["a"] && second.columnNames == ["a", "b"])
    }
}
