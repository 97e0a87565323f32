import FeatureModel
import Glibc
import Testing

@testable import ArrowTables

@Suite("A file appears whole or not at all", .serialized)
struct WritingTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func table() throws -> Table {
        var table = try Table(rowCount: 2)
        try table.append(FeatureColumn(name: "x", values: .int64([1, 2]), isValid: [true, false]))
        try table.append(FeatureColumn(name: "y", values: .string(["", "b"]), isValid: [true, true]))
        return table
    }

    @Test func replacesAFileAndLeavesNothingElse() throws {
        let path = try folder.write("out.csv", "old")
        try table().write(path: path)
        #expect(try folder.read("out.csv") == "x,y\n1,\"\"\n,b\n")
        #expect(folder.names == ["out.csv"])
    }

    @Test("a failure in the middle leaves the old file", arguments: [TableFormat.csv])
    func failureLeavesTheOldFile(format: TableFormat) throws {
        let path = try folder.write("out.csv", "old")
        var table = try table()
        // A time that no text can say is met after the header has been written.
        table = try table.filter(keeping: [true, true])
        try table.append(
            FeatureColumn(name: "t", values: .timestamp([.distantPast, .distantFuture]), isValid: [true, true])
        )
        let error = #expect(throws: TableError.self) { try table.write(path: path, format: format) }
        #expect(error?.message.contains("column 't'") == true)
        #expect(try folder.read("out.csv") == "old")
        #expect(folder.names == ["out.csv"])
    }

    /// A limit on file size makes the kernel refuse a write half way, as a full disk does. The limit holds for a whole
    /// process, so this one runs in a process of its own.
    @Test func fullDiskLeavesTheOldFile() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            var state: UInt64 = 1
            let noise = (0..<100_000).map { _ -> Int64 in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return Int64(bitPattern: state ^ state >> 31)
            }
            var table = try Table(rowCount: noise.count)
            try table.append(FeatureColumn(name: "x", values: .int64(noise), isValid: noise.map { _ in true }))

            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 50_000, rlim_max: 50_000)
            precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            for format in TableFormat.allCases {
                let path = try folder.write("out", "old")
                do {
                    try table.write(path: path, format: format)
                    preconditionFailure("\(format) was written in spite of the limit")
                } catch let error as TableError {
                    precondition(error.code == .inputOutput, error.description)
                }
                let left = try folder.read("out")
                precondition(left == "old" && folder.names == ["out"], "\(format) left \(folder.names)")
            }
        }
    }

    @Test func missingFolderIsAnError() throws {
        let error = #expect(throws: TableError.self) { try table().write(path: folder.file("none/out.csv")) }
        #expect(error?.code == .noSuchFile)
        let onFolder = #expect(throws: TableError.self) { try table().write(path: folder.path, format: .csv) }
        #expect(onFolder?.code == .inputOutput)
        #expect(folder.names.isEmpty)
    }

    @Test func handlesAreFreed() throws {
        // Other suites run at the same time, so the count is compared after many tables, not exactly.
        let before = TableHandle.liveCount
        for _ in 0..<2000 {
            var table = try table()
            try table.append(FeatureColumn(name: "z", values: .bool([true, false]), isValid: [true, true]))
            table = try table.filter(keeping: [true, false])
            #expect(throws: TableError.self) { try table.int64Column("y") }
        }
        #expect(TableHandle.liveCount - before < 1000)
    }
}
