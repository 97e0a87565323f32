import ArrowTables
import FeatureModel
import Testing

@Suite("A table survives being written and read")
struct RoundTripTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Labels with a duplicate row, an unsorted order, a null and columns that nobody asks about.
    private let labels = """
        user_id,event_timestamp,churned,note
        7,1998-06-30T00:00:00Z,1,"a, ""quoted"" note"
        3,1997-01-01 12:30:00.250+02:00,0,
        7,1998-06-30T00:00:00Z,1,""
        007,1998-07-01,,plain
        7,1998-06-30T00:00:00Z,1,""

        """

    private func features() -> [FeatureColumn] {
        let mask = [true, false, true, true, true]
        return [
            FeatureColumn(name: "count", values: .int64([1, 2, .max, .min, 5]), isValid: mask),
            FeatureColumn(name: "sum", values: .float64([1, 2, -0.0, 0.1, .leastNonzeroMagnitude]), isValid: mask),
            FeatureColumn(name: "last", values: .string(["a", "b", "", "ü,\"\n", "NA"]), isValid: mask),
            FeatureColumn(name: "seen", values: .bool([true, true, false, true, false]), isValid: mask),
            FeatureColumn(
                name: "at",
                values: .timestamp([0, 1, -1, 867_628_800_123_456, 1_000_000].map(Instant.init(microseconds:))),
                isValid: mask
            ),
        ]
    }

    @Test("order, duplicates and other columns are kept", arguments: TableFormat.allCases)
    func keepsEverything(format: TableFormat) throws {
        var table = try Table.read(path: folder.write("labels.csv", labels), textColumns: .every)
        for column in features() { try table.append(column) }
        let path = folder.file("out.\(format.rawValue)")
        try table.write(path: path)

        let back = try Table.read(path: path, textColumns: ["user_id", "note", "last"])
        #expect(back.columnNames == table.columnNames)
        #expect(back.rowCount == 5)
        #expect(try back.stringColumn("user_id").values == ["7", "3", "7", "007", "7"])
        #expect(try back.stringColumn("note").values == ["a, \"quoted\" note", "", "", "plain", ""])
        #expect(try back.stringColumn("note").isValid == [true, false, true, true, true])
        #expect(try back.int64Column("count")[3] == .min)
        #expect(try back.int64Column("count").isValid == [true, false, true, true, true])
        #expect(try back.stringColumn("last").values == ["a", "", "", "ü,\"\n", "NA"])
        #expect(try back.stringColumn("seen").values == ["true", "", "false", "true", "false"])
        #expect(try back.timestampColumn("at")[3]?.microseconds == 867_628_800_123_456)
        #expect(try back.columnType("sum") == "double")
    }

    @Test("a CSV file whose columns are text comes back byte by byte but for needless quotes")
    func csvAsWritten() throws {
        let path = try folder.write("in.csv", "id,price,flag\r\n007,1.10,TRUE\r\n\"8\",1e2,\r\n")
        try Table.read(path: path, textColumns: .every).write(path: folder.file("out.csv"))
        #expect(try folder.read("out.csv") == "id,price,flag\n007,1.10,TRUE\n8,1e2,\n")
    }

    /// Written by our own printer and read by Arrow's parser: every bit must come back, and a whole double must stay one.
    @Test("nasty doubles keep their bits", arguments: TableFormat.allCases)
    func nastyDoubles(format: TableFormat) throws {
        var values: [Double] = [
            0, -0.0, 1, -1, 0.1, 0.2 + 0.1, 1.0 / 3, .leastNonzeroMagnitude, .leastNonzeroMagnitude * 10_121,
            .leastNormalMagnitude, .leastNormalMagnitude.nextDown, .greatestFiniteMagnitude, 9_007_199_254_740_992,
            9_007_199_254_740_994, 1e15, 1e16, 1e21, 1e22, 1e23, 123456789.0e10, 8.41, 4.35, 0.3, 1e-7, .infinity,
            -.infinity, 6.02214076e23, 1.0000000000000002,
        ]
        var bits: UInt64 = 0x9E37_79B9_7F4A_7C15
        for _ in 0..<20_000 {
            bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: bits ^ bits >> 29)
            if !value.isNaN { values.append(value) }
        }
        let whole = values.filter { $0 == $0.rounded() && abs($0) < 1e15 }
        for set in [values, whole] {
            var table = try Table(rowCount: set.count)
            try table.append(FeatureColumn(name: "x", values: .float64(set), isValid: set.map { _ in true }))
            let path = folder.file("doubles.\(format.rawValue)")
            try table.write(path: path)
            let back = try Table.read(path: path)
            #expect(try back.columnType("x") == "double")
            // The shortest text of a double is unique, so equal files mean equal bits.
            try table.write(path: folder.file("first.csv"))
            try back.write(path: folder.file("second.csv"))
            #expect(try folder.read("first.csv") == folder.read("second.csv"))
            let lines = try folder.read("second.csv").split(separator: "\n").dropFirst()
            #expect(lines.map { Double($0)?.bitPattern } == set.map(\.bitPattern))
        }
    }

    @Test("a file with a header only is a table without rows", arguments: ["a,b", "a,b\n", "a,b\r\n\r\n"])
    func headerOnly(text: String) throws {
        var table = try Table.read(path: folder.write("empty.csv", text))
        try table.append(FeatureColumn(name: "c", values: .string([]), isValid: []))
        for format in TableFormat.allCases {
            let path = folder.file("out.\(format.rawValue)")
            try table.write(path: path)
            let back = try Table.read(path: path)
            #expect(back.rowCount == 0 && back.columnNames == ["a", "b", "c"])
            #expect(try back.int64Column("a").values.isEmpty)
        }
    }

    @Test("rows of many batches and row groups keep their order", arguments: TableFormat.allCases)
    func manyRows(format: TableFormat) throws {
        let count = 300_000
        var table = try Table(rowCount: count)
        let isValid = (0..<count).map { $0 % 7 != 0 }
        try table.append(FeatureColumn(name: "n", values: .int64((0..<count).map(Int64.init)), isValid: isValid))
        try table.append(FeatureColumn(name: "s", values: .string((0..<count).map(String.init)), isValid: isValid))
        let path = folder.file("many.\(format.rawValue)")
        try table.write(path: path)
        let back = try Table.read(path: path, textColumns: ["s"])
        #expect(try back.int64Column("n") == table.int64Column("n"))
        #expect(try back.stringColumn("s") == table.stringColumn("s"))
    }
}
