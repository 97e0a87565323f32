import RocksDB
import Testing

@Suite struct DatabaseTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func open(_ names: String..., options: DatabaseOptions = DatabaseOptions()) throws(RocksDBError) -> Database {
        try Database.open(path: directory.path, options: options, columnFamilies: names.map { ColumnFamilyOptions($0) })
    }

    @Test func oneBatchReachesAllFamiliesAndSurvivesReopening() throws {
        let first = try open("rows", "offsets")
        var batch = WriteBatch()
        batch.put([UInt8]("a"), [UInt8]("1"), in: try first.family("rows"))
        batch.put([UInt8]("a"), [UInt8]("2"), in: try first.family("offsets"))
        batch.put([UInt8]("empty"), [], in: try first.family("offsets"))
        #expect(batch.count == 3)
        #expect(batch.byteCount > 12)
        try first.write(batch, sync: true)
        batch.clear()
        #expect(batch.count == 0)
        #expect(first.close())

        // The second family is not named this time and is opened nevertheless.
        let second = try open("rows")
        #expect(try second.text("a", in: second.family("rows")) == "1")
        #expect(try second.text("a", in: second.family("offsets")) == "2")
        #expect(try second.text("empty", in: second.family("offsets")) == "")
        #expect(try second.text("none", in: second.family("offsets")) == nil)
        #expect(second.columnFamily("default") == nil)
    }

    @Test func deletesTakeSingleKeysAndHalfOpenRanges() throws {
        let database = try open("rows")
        let rows = try database.family("rows")
        try database.put(["a", "b", "c", "d", "e"].map { ($0, $0) }, in: rows)
        var batch = WriteBatch()
        batch.delete([UInt8]("a"), in: rows)
        batch.deleteRange(from: [UInt8]("c"), to: [UInt8]("e"), in: rows)
        try database.write(batch, sync: false)
        #expect(try database.keys(in: rows) == ["b", "e"])
    }

    @Test func secondOpenIsLocked() throws {
        let database = try open("rows")
        #expect { try open("rows") } throws: { ($0 as? RocksDBError)?.code == .locked }
        #expect(database.close())
        _ = try open("rows")
    }

    @Test func unknownOptionIsRefusedByName() {
        var options = DatabaseOptions()
        options.extraOptions = "no_such_option=1"
        #expect { try open("rows", options: options) } throws: {
            guard let error = $0 as? RocksDBError else { return false }
            return error.code == .invalidArgument && error.message.contains("no_such_option")
        }
    }

    @Test func familyNamesAreUniqueAndDefaultIsReserved() {
        #expect { try open("rows", "rows") } throws: { ($0 as? RocksDBError)?.code == .invalidArgument }
        #expect { try open("default") } throws: { ($0 as? RocksDBError)?.code == .invalidArgument }
    }

    @Test func missingDatabaseIsNotMadeUnlessAsked() {
        var options = DatabaseOptions()
        options.createIfMissing = false
        #expect(throws: RocksDBError.self) { try open("rows", options: options) }
    }

    @Test func familiesComeAndGo() throws {
        let database = try open("rows")
        let view = try database.createColumnFamily(ColumnFamilyOptions("view"))
        try database.put([("a", "1")], in: view)
        #expect(throws: RocksDBError.self) { try database.createColumnFamily(ColumnFamilyOptions("view")) }
        try database.dropColumnFamily(view)
        #expect(database.columnFamily("view") == nil)
        #expect(try database.text("a", in: view) == "1", "readers that hold the family may finish")
        #expect(throws: RocksDBError.self) { try database.put([("b", "1")], in: view) }
        let again = try database.createColumnFamily(ColumnFamilyOptions("view"))
        #expect(try database.text("a", in: again) == nil)
    }

    @Test func closedDatabaseSaysSo() throws {
        let database = try open("rows")
        let rows = try database.family("rows")
        #expect(database.close())
        #expect(database.close(), "closing again does nothing")
        #expect(throws: RocksDBError(code: .closed, message: "the database is closed")) {
            try database.text("a", in: rows)
        }
        #expect(throws: RocksDBError.self) { try database.put([("a", "1")], in: rows) }
        #expect(throws: RocksDBError.self) { _ = try database.makeSnapshot() }
    }

    @Test func tableOptionsOfEveryKindOpen() throws {
        var bloom = ColumnFamilyOptions("bloom")
        bloom.filter = .bloom(bitsPerKey: 10)
        bloom.hashIndexInDataBlocks = true
        bloom.optimizeFiltersForHits = true
        var ribbon = ColumnFamilyOptions("ribbon")
        ribbon.filter = .ribbon(bitsPerKey: 10)
        ribbon.compression = .none
        let database = try Database.open(path: directory.path, columnFamilies: [bloom, ribbon])
        for name in ["bloom", "ribbon"] {
            let family = try database.family(name)
            try database.put((0..<1000).map { ("key\($0)", "value\($0)") }, in: family)
            try database.flushAll()
            for index in 0..<1000 { #expect(try database.text("key\(index)", in: family) == "value\(index)") }
            #expect(try database.text("absent", in: family) == nil)
        }
    }
}

@Suite struct ClosingTests {
    /// Readers on several threads meet a close: each call gives a right answer or `.closed`, and the files are let go.
    @Test(.timeLimit(.minutes(1))) func readersMayRaceWithClose() async throws {
        let directory = try TemporaryDirectory()
        for _ in 0..<20 {
            let database = try Database.open(path: directory.path, columnFamilies: [ColumnFamilyOptions("rows")])
            let rows = try database.family("rows")
            try database.put([("a", "1")], in: rows)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do {
                            while true {
                                for _ in 0..<50 {
                                    guard try database.text("a", in: rows) == "1" else { return false }
                                }
                                // Lets the closing task in, also on a machine with one processor.
                                await Task.yield()
                            }
                        } catch {
                            return (error as? RocksDBError)?.code == .closed
                        }
                    }
                }
                try? await Task.sleep(for: .milliseconds(2))
                database.close()
                for await isRight in group { #expect(isRight) }
            }
            #expect(database.close())
        }
    }
}
