import RocksDB
import Testing

@Suite struct IteratorTests {
    let directory: TemporaryDirectory
    let database: Database
    let rows: ColumnFamily

    init() throws {
        directory = try TemporaryDirectory()
        database = try Database.open(path: directory.path, columnFamilies: [ColumnFamilyOptions("rows")])
        rows = try database.family("rows")
        try database.put(["a", "b", "c", "d"].map { ($0, $0 + $0) }, in: rows)
    }

    @Test func boundsAreHalfOpen() throws {
        #expect(try database.keys(in: rows) == ["a", "b", "c", "d"])
        #expect(try database.keys(in: rows, from: "b", to: "d") == ["b", "c"])
        #expect(try database.keys(in: rows, to: "b") == ["a"])
        #expect(try database.keys(in: rows, from: "c") == ["c", "d"])
        #expect(try database.keys(in: rows, from: "bb", to: "bc") == [])
        #expect(try database.keys(in: rows, from: "", to: "") == [])
    }

    @Test func seeksLandWhereTheySay() throws {
        var iterator = try database.makeIterator(in: rows, lowerBound: [UInt8]("a"), upperBound: [UInt8]("d"))
        #expect(iterator.isValid == false, "an iterator starts nowhere")
        iterator.seek(to: [UInt8]("bb"))
        #expect(iterator.key.elementsEqual([UInt8]("c")))
        #expect(iterator.value.elementsEqual([UInt8]("cc")))
        iterator.previous()
        #expect(iterator.key.elementsEqual([UInt8]("b")))
        iterator.seekForPrev(to: [UInt8]("bb"))
        #expect(iterator.key.elementsEqual([UInt8]("b")))
        iterator.seekToLast()
        #expect(iterator.key.elementsEqual([UInt8]("c")), "the upper bound is outside")
        iterator.next()
        #expect(iterator.isValid == false)
        try iterator.checkStatus()
    }

    @Test func iteratorsKeepTheStateAtTheirBirth() throws {
        var iterator = try database.makeIterator(in: rows, fillCache: false, readaheadBytes: 1 << 16)
        try database.put([("b2", "")], in: rows)
        iterator.seek(to: [UInt8]("b2"))
        #expect(iterator.key.elementsEqual([UInt8]("c")))
    }

    @Test func snapshotsDoNotSeeLaterWrites() throws {
        let snapshot = try database.makeSnapshot()
        try database.put([("a", "new"), ("e", "new")], in: rows)
        #expect(try database.text("a", in: rows, snapshot: snapshot) == "aa")
        #expect(try database.text("e", in: rows, snapshot: snapshot) == nil)
        #expect(try database.text("a", in: rows) == "new")
        var iterator = try database.makeIterator(in: rows, snapshot: snapshot)
        iterator.seekToLast()
        #expect(iterator.key.elementsEqual([UInt8]("d")))
    }

    @Test func childrenKeepTheFilesOpenAfterClose() throws {
        func readOn() throws {
            let snapshot = try database.makeSnapshot()
            var iterator = try database.makeIterator(in: rows)
            #expect(!database.close())
            iterator.seekToFirst()
            #expect(iterator.key.elementsEqual([UInt8]("a")))
            #expect(throws: RocksDBError.self) { try database.text("a", in: rows, snapshot: snapshot) }
        }
        try readOn()
        #expect(database.close(), "the last child has let the files go")
        _ = try Database.open(path: directory.path, columnFamilies: [])
    }

    @Test func aFilledBatchKeepsTheFilesOpenAnEmptyOneDoesNot() throws {
        var batch = WriteBatch()
        batch.put([UInt8]("x"), [], in: rows)
        #expect(!database.close())
        batch.clear()
        #expect(database.close())
        batch.put([UInt8]("x"), [], in: rows)
        #expect(batch.count == 0, "operations on a closed database are dropped")
    }
}
