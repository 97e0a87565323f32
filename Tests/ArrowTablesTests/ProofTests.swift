import FeatureModel
import Glibc
import Testing

@testable import ArrowTables

@Suite("What the check of a training set reads")
struct ProofTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func texts(_ table: Table, _ name: String) throws -> [String?] {
        let column = try table.cellTexts(name)
        return (0..<column.count).map { column[$0] }
    }

    /// Through a file of each kind: the same texts, so a CSV file and a column that was computed again can be compared.
    @Test func cellsAreTextsOfTheirBits() throws {
        let doubles: [Double] = [0.1, 1, -0.0, .leastNonzeroMagnitude, 0.1.nextUp]
        let isValid = [true, true, true, true, true]
        var table = try Table(rowCount: 5)
        try table.append(FeatureColumn(name: "double", values: .float64(doubles), isValid: isValid))
        try table.append(
            FeatureColumn(
                name: "text",
                values: .string(["", "a,\"b\"", "\n", "x", ""]),
                isValid: [true, true, true, true, false]
            )
        )
        try table.append(
            FeatureColumn(
                name: "int",
                values: .int64([1, .min, .max, 0, 7]),
                isValid: [true, true, true, true, false]
            )
        )
        try table.append(FeatureColumn(name: "bool", values: .bool([true, false, true, true, true]), isValid: isValid))
        let times = [0, 1, -1, 1_700_000_000_123_456, 0].map { Instant(microseconds: $0) }
        try table.append(
            FeatureColumn(name: "time", values: .timestamp(times), isValid: [true, true, true, true, false])
        )
        let lists: [FeatureValue] = [.list([.int64(1), .null]), .list([]), .null, .list([.int64(-7)]), .null]
        try table.append(FeatureColumn(name: "list", type: .list(of: .int64), cells: lists))
        let maps: [FeatureValue] = [
            .map([.init(key: .string("é"), value: .float64(0.1))]), .map([]), .null, .null, .null,
        ]
        try table.append(FeatureColumn(name: "map", type: .map(.string, to: .float64), cells: maps))

        #expect(try texts(table, "double") == ["0.1", "1.0", "-0.0", "5e-324", "0.10000000000000002"])
        #expect(try texts(table, "text") == ["", "a,\"b\"", "\n", "x", nil])
        #expect(try texts(table, "list") == ["[1,null]", "[]", nil, "[-7]", nil])
        #expect(try texts(table, "map")[0] == "{\"é\":0.1}")
        for format in TableFormat.allCases {
            let path = folder.file("t.\(format.rawValue)")
            try table.write(path: path)
            let again = try Table.read(path: path, textColumns: .every)
            for name in table.columnNames {
                #expect(try texts(again, name) == texts(table, name), "\(name) as \(format)")
            }
        }
    }

    @Test func timesWithoutZone() throws {
        let path = try folder.write(
            "t.csv",
            "text\n2024-01-01\n2024-01-01T00:00:00\n2024-01-01T00:00:00Z\n2024-01-01 00:00:00+01:00\n2024-01-01T00:00-0200\n\"\"\n"
        )
        let table = try Table.read(path: path, textColumns: .every)
        #expect(try table.timesWithoutZone("text") == [true, true, false, false, false, true])
        let typed = try Table.read(path: try folder.write("u.csv", "a,b\n2024-01-01T00:00:00,2024-01-01T00:00:00Z\n"))
        #expect(try typed.columnType("b").contains("tz=") && typed.timesWithoutZone("a") == [true])
        #expect(try typed.timesWithoutZone("b") == [false])
    }

    @Test func anUnpublishedFileIsNotThere() throws {
        var table = try Table(rowCount: 1)
        try table.append(FeatureColumn(name: "x", values: .int64([1]), isValid: [true]))
        let path = folder.file("out.csv")
        do {
            let file = try table.unpublished(path: path)
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(pread(file.descriptor, &bytes, 16, 0) == 4 && bytes.starts(with: Array("x\n1\n".utf8)))
            // As a signal handler would, while the file has no name or a hidden one.
            UnpublishedFile.removeAll()
            #expect(folder.names.isEmpty)
        }
        #expect(folder.names.isEmpty)
        try table.unpublished(path: path).publish()
        try UnpublishedFile(path: path, bytes: Array("new".utf8)).publish()
        #expect(try folder.names == ["out.csv"] && folder.read("out.csv") == "new")
    }

    @Test func metadataComesBack() throws {
        var table = try Table(rowCount: 1)
        try table.append(FeatureColumn(name: "x", values: .int64([1]), isValid: [true]))
        for format in [TableFormat.parquet, .arrow] {
            let path = folder.file("m.\(format.rawValue)")
            try table.write(path: path, metadata: ["strandline.a": "ü", "b": ""])
            let again = try Table.read(path: path)
            #expect(again.metadata("strandline.a") == "ü" && again.metadata("b") == "" && again.metadata("c") == nil)
        }
    }
}
