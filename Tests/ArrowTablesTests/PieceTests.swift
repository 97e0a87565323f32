import FeatureModel
import Testing

@testable import ArrowTables

/// Files in and out piece by piece: where the pieces end does not show.
@Suite("Pieces")
struct PieceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func table(_ rows: Range<Int>) throws -> Table {
        var table = try Table(rowCount: rows.count)
        let isValid = rows.map { $0 % 7 != 0 }
        try table.append(FeatureColumn(name: "n", values: .int64(rows.map { Int64($0 / 3) }), isValid: isValid))
        try table.append(FeatureColumn(name: "d", values: .float64(rows.map { Double($0) / 3 }), isValid: isValid))
        try table.append(FeatureColumn(name: "t", values: .string(rows.map { "text \($0 % 100)" }), isValid: isValid))
        return table
    }

    @Test(arguments: TableFormat.allCases)
    func piecesDoNotShowInTheFile(format: TableFormat) throws {
        let count = 300_000
        let seed = UInt64.random(in: 0 ... .max)
        var source = Seeded(state: seed)
        let whole = folder.file("whole.\(format.rawValue)")
        try Self.table(0..<count).write(path: whole, metadata: ["a": "b"])
        let pieces = folder.file("pieces.\(format.rawValue)")
        let writer = try TableWriter(path: pieces, metadata: ["a": "b"])
        var start = 0
        while start < count {
            let end = min(count, start + Int.random(in: 0...50_000, using: &source))
            try writer.append(Self.table(start..<end))
            start = end
        }
        try writer.finish().publish()
        #expect(
            try folder.bytes("whole.\(format.rawValue)") == folder.bytes("pieces.\(format.rawValue)"),
            "seed \(seed)"
        )
    }

    @Test func anUnfinishedFileLeavesNothing() throws {
        do {
            let writer = try TableWriter(path: folder.file("out.parquet"))
            try writer.append(Self.table(0..<10))
        }
        let writer = try TableWriter(path: folder.file("out.csv"))
        try writer.append(Self.table(0..<10))
        #expect(throws: TableError.self) { try writer.append(Table(rowCount: 3)) }
        #expect(folder.names == [])
    }

    /// `\r\n` and quotes at every place around a block's end, and a row longer than a block.
    @Test func rowsAroundTheEndsOfBlocks() throws {
        for shift in 0..<4 {
            var text = "id,note\r\n"
            var lines: [Int] = []
            var (row, line) = (0, 2)
            // 64 bytes a row: a block ends at a multiple of that, but for the shift.
            text += "0,\(String(repeating: "x", count: 42 + shift))\r\n"
            lines.append(line)
            (row, line) = (1, 3)
            while row < 150_000 {
                let number = String(row)
                let note = String(repeating: "y", count: 57 - number.count - 3)
                text += row % 2 == 0 ? "\(number),\(note)yyyyyy\r\n" : "\(number),\"\(note)\r\n\"\"\"\r\n"
                lines.append(line)
                line += row % 2 == 0 ? 1 : 2
                row += 1
            }
            text += "\(row),\(String(repeating: "z", count: 6 << 20))\r\n\(row + 1),last"
            lines += [line, line + 1]
            let table = try Table.read(path: folder.write("t.csv", text))
            #expect(table.rowCount == row + 2)
            #expect(try table.int64Column("id").values == (0..<Int64(row + 2)).map { $0 })
            #expect((0..<table.rowCount).map { table.lineNumber(ofRow: $0) } == lines.map(Optional.init))
        }
    }

    @Test func aRowThatIsTooLong() throws {
        let path = try folder.write(
            "t.csv",
            "id,note\n1,x\n2,\"" + String(repeating: "z", count: 65 << 20) + "\"\n3,y\n"
        )
        let error = #expect(throws: TableError.self) { _ = try Table.read(path: path) }
        #expect(error?.description == "\(path): line 3: a quote is opened and not closed within 64 MiB")
    }

    @Test func slicesAndJoins() throws {
        let path = try folder.write("t.csv", "a\n1\n\n2\n3\n")
        let table = try Table.read(path: path)
        let joined = try Table.joined([table.slice(1..<3), table.slice(0..<1)])
        #expect(try joined.int64Column("a").values == [2, 3, 1])
        #expect((0..<3).map { joined.lineNumber(ofRow: $0) } == [4, 5, 2])
        #expect(try joined.byteCount() < 1000)
    }
}

private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
