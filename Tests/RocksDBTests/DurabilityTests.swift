import Glibc
@testable import RocksDB
import Testing

@Suite struct DurabilityTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func open(_ path: String? = nil) throws(RocksDBError) -> Database {
        let families = [ColumnFamilyOptions("rows"), ColumnFamilyOptions("offsets")]
        return try Database.open(path: path ?? directory.path, columnFamilies: families)
    }

    @Test func flushAllEmptiesEveryMemtable() throws {
        let database = try open()
        for round in 0..<3 {
            try database.put([("a\(round)", "1")], in: database.family("rows"))
            try database.put([("a\(round)", "1")], in: database.family("offsets"))
            try database.flushAll()
            for name in ["rows", "offsets"] {
                let family = try database.family(name)
                #expect(try database.intProperty("rocksdb.num-entries-active-mem-table", in: family) == 0)
                #expect(try database.intProperty("rocksdb.num-immutable-mem-table", in: family) == 0)
            }
        }
        #expect(try database.backgroundErrorCount == 0)
        // A flush with nothing new is allowed.
        try database.flushAll()
    }

    @Test func checkpointOpensAsItsOwnDatabase() throws {
        let database = try open()
        try database.put([("a", "1")], in: database.family("rows"))
        let copyPath = directory.path + "/copy"
        try database.checkpoint(to: copyPath)
        try database.put([("a", "2")], in: database.family("rows"))
        let copy = try open(copyPath)
        #expect(try copy.text("a", in: copy.family("rows")) == "1")
        #expect(throws: RocksDBError.self) { try database.checkpoint(to: copyPath) }
    }

    @Test func compactionKeepsWhatIsThere() throws {
        let database = try open()
        let rows = try database.family("rows")
        try database.put((0..<100).map { ("\($0)", "x") }, in: rows)
        try database.compactRange(rows)
        try database.compactRange(rows, from: [], to: [])
        try database.compactRange(rows, from: [UInt8]("1"), to: [UInt8]("2"))
        #expect(try database.keys(in: rows).count == 100)
        #expect(try database.property("rocksdb.stats", in: rows)?.isEmpty == false)
        #expect(try database.property("rocksdb.no-such-property") == nil)
        #expect(try database.intProperty("rocksdb.no-such-property") == nil)
    }

    /// A bit flipped in a table's data is an error for gets and for scans, never a value and never an end.
    @Test func damagedTableIsCorruption() throws {
        let first = try open()
        try first.put((0..<1000).map { ("key\($0)", String(repeating: "\($0)", count: 20)) }, in: first.family("rows"))
        try first.flushAll()
        #expect(first.close())

        let tables = TemporaryDirectory.files(in: directory.path, endingIn: ".sst")
        let largest = try #require(tables.max { Self.byteCount($0) < Self.byteCount($1) })
        try Self.flipBit(in: largest, at: 1000)

        let second = try open()
        let rows = try second.family("rows")
        #expect { try second.text("key0", in: rows) } throws: { ($0 as? RocksDBError)?.code == .corruption }
        #expect { try second.keys(in: rows) } throws: { ($0 as? RocksDBError)?.code == .corruption }
    }

    @Test func directoryWithTablesButWithoutCurrentIsRefused() throws {
        let first = try open()
        try first.put([("a", "1")], in: first.family("rows"))
        try first.flushAll()
        #expect(first.close())
        unlink(directory.path + "/CURRENT")
        #expect { try open() } throws: { ($0 as? RocksDBError)?.code == .corruption }
        #expect(!TemporaryDirectory.files(in: directory.path, endingIn: ".sst").isEmpty, "nothing was deleted")
    }

    @Test(arguments: [
        ("Corruption: block checksum mismatch", RocksDBError.Code.corruption),
        ("IO error: No space left on device: While appending to file: /x", .noSpace),
        ("IO error: While open a file: /x: Disk quota exceeded", .noSpace),
        ("IO error: While lock file: /x/LOCK: Resource temporarily unavailable", .locked),
        ("IO error: lock hold by current process, acquire time 1: /x/LOCK: No locks available", .locked),
        ("IO error: While fsync: /x: Input/output error", .ioError),
        ("Result incomplete: ", .incomplete),
        ("Something new: x", .other),
    ])
    func errorTextsMapToCodes(text: String, code: RocksDBError.Code) {
        let error = RocksDBError(text: text)
        #expect(error.code == code)
        #expect(error.message == text)
    }

    static func byteCount(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func flipBit(in path: String, at offset: Int) throws {
        let file = try #require(fopen(path, "r+"))
        defer { fclose(file) }
        fseek(file, offset, SEEK_SET)
        let byte = fgetc(file)
        fseek(file, offset, SEEK_SET)
        fputc(byte ^ 0x10, file)
    }
}
