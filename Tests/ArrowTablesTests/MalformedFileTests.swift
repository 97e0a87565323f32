import FeatureModel
import Testing

@testable import ArrowTables

@Suite("What is wrong with a file is said by line")
struct MalformedFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Line 3 is blank, rows start on lines 1, 2, 4, 5 (over two lines), 7, 8 and 9; those on 4 and 8 are bad.
    private let csv = "id,note\n1,one\n\n2\n3,\"two\nlines\"\n4,four\n5,five,5\n6,six\n"

    private func expectError(
        _ description: String,
        at location: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: TableError.self, sourceLocation: location, performing: body)
        #expect(error?.description == description, sourceLocation: location)
    }

    @Test func badRowIsAnErrorWithItsLine() throws {
        let path = try folder.write("labels.csv", csv)
        expectError("\(path): line 4: expected 2 fields, found 1: 2") { _ = try Table.read(path: path) }
    }

    @Test func badRowsAreSkippedAndListedWhenAsked() throws {
        let table = try Table.read(path: folder.write("labels.csv", csv), skipBadRows: true)
        let expected = [
            BadRow(line: 4, text: "2", reason: "expected 2 fields, found 1"),
            BadRow(line: 8, text: "5,five,5", reason: "expected 2 fields, found 3"),
        ]
        #expect(table.badRows == expected)
        #expect(try table.int64Column("id").values == [1, 3, 4, 6])
        #expect((0..<table.rowCount).map { table.lineNumber(ofRow: $0) } == [2, 5, 7, 9])
        let filtered = try table.filter(keeping: [false, true, false, true])
        #expect(try filtered.stringColumn("note").values == ["two\nlines", "six"])
        #expect((0..<filtered.rowCount).map { filtered.lineNumber(ofRow: $0) } == [5, 9])
        #expect(filtered.badRows.count == 2)
    }

    /// Longer than one read block, so that several threads meet bad rows in the first read.
    @Test func linesAreRightInALongFile() throws {
        var text = "id,note\n"
        var expected: [Int] = []
        for row in 0..<600_000 {
            if row % 100_000 == 99_999 {
                text += "\(row)\n"
                expected.append(row + 2)
            } else {
                text += "\(row),some text\n"
            }
        }
        let table = try Table.read(path: folder.write("long.csv", text), skipBadRows: true)
        #expect(table.badRows.map(\.line) == expected)
        let ids = try table.int64Column("id").values
        #expect(ids.indices.allSatisfy { table.lineNumber(ofRow: $0) == Int(ids[$0]) + 2 })
    }

    @Test func regularFileCountsFromLineTwo() throws {
        let table = try Table.read(path: folder.write("a.csv", "a\n5\n6\n"))
        #expect([table.lineNumber(ofRow: 0), table.lineNumber(ofRow: 1)] == [2, 3])
        #expect(try table.filter(keeping: [false, true]).lineNumber(ofRow: 0) == 3)
        try table.write(path: folder.file("a.parquet"))
        #expect(try Table.read(path: folder.file("a.parquet")).lineNumber(ofRow: 0) == nil)
    }

    @Test func badTimeIsReportedByLine() throws {
        let path = try folder.write("labels.csv", "id,t\n1,2020-01-01\n\n2,soon\n")
        let table = try Table.read(path: path, textColumns: ["id", "t"])
        expectError("\(path): line 4: column 't' holds 'soon', which is not an ISO 8601 time") {
            _ = try table.timestampColumn("t")
        }
    }

    @Test func badNumberIsReportedByLine() throws {
        let path = try folder.write("labels.csv", "id,t\n1,x\n1.5,y\n")
        let table = try Table.read(path: path, textColumns: .every)
        expectError("\(path): line 3: column 'id' holds '1.5', which is not a whole number") {
            _ = try table.int64Column("id")
        }
    }

    @Test func openQuoteIsReportedByLine() throws {
        let path = try folder.write("labels.csv", "id,t\n1,x\n2,\"y\n3,z\n")
        for skip in [false, true] {
            expectError("\(path): line 3: a quote is opened and never closed") {
                _ = try Table.read(path: path, skipBadRows: skip)
            }
        }
    }

    @Test func missingColumnNamesFileAndNearest() throws {
        let path = try folder.write("labels.csv", "user_id,event_timestamp\n1,2\n")
        let table = try Table.read(path: path)
        expectError("\(path): there is no column 'User_i'; did you mean 'user_id'? Columns: user_id, event_timestamp") {
            _ = try table.int64Column("User_i")
        }
        expectError("\(path): there is no column 'colour'. Columns: user_id, event_timestamp") {
            _ = try table.stringColumn("colour")
        }
    }

    @Test func doubledColumnIsNamed() throws {
        let path = try folder.write("labels.csv", "a,a\n1,2\n")
        var table = try Table.read(path: path)
        expectError("\(path): there are 2 columns named 'a'") { _ = try table.int64Column("a") }
        let column = FeatureColumn(name: "a", values: .int64([1]), isValid: [true])
        expectError("\(path): cannot add column 'a': the table has a column of that name already") {
            try table.append(column)
        }
        #expect(table.columnNames == ["a", "a"])
    }

    @Test func formatComesFromTheName() throws {
        #expect(try TableFormat(path: "/a.b/labels.CSV") == .csv)
        #expect(try TableFormat(path: "x.pq") == .parquet)
        #expect(try TableFormat(path: "x.feather") == .arrow)
        expectError(
            "a.csv/labels: cannot tell the format from no extension; use .csv, .parquet or .arrow, or name the format"
        ) { _ = try TableFormat(path: "a.csv/labels") }
        #expect(throws: TableError.self) { try Table.read(path: "labels.xlsx") }
    }

    @Test func unreadableFilesAreErrors() throws {
        let missing = #expect(throws: TableError.self) { try Table.read(path: "/nowhere/labels.csv") }
        #expect(missing?.code == .noSuchFile)
        for name in ["x.csv", "x.parquet", "x.arrow"] {
            let path = try folder.write(name, "")
            let error = #expect(throws: TableError.self) { try Table.read(path: path) }
            #expect(error?.code == .malformed)
        }
        let garbage = try folder.write("y.parquet", String(repeating: "PAR1", count: 100))
        #expect(throws: TableError.self) { try Table.read(path: garbage) }
        #expect(throws: TableError.self) { try Table.read(path: folder.path, format: .csv) }
    }
}
