import CRocksDB

/// Moves all memtables to disk in one atomic step, which the C API has no function for: its flush takes one family
/// only, and does so even with `atomic_flush`.
///
/// A manual compaction whose range touches a memtable first flushes, and with `atomic_flush` it flushes every family
/// together. So we write one row into the family `default`, which nobody else uses, and compact the range of just that
/// row: cost, one row in the log and a table file of one row. A checkpoint flushes too, but links every file.
///
/// RocksDB does not report errors of a compaction here. But an atomic flush is all or nothing and only we write to
/// `default`, so its memtable being empty afterwards proves that everything written before has reached its table.
struct FlushMarker: Sendable {
    let family: ColumnFamily

    private static let key: StaticString = "flush"

    func flushAll(_ core: OpenDatabase) throws(RocksDBError) {
        let key = UnsafeRawBufferPointer(start: Self.key.utf8Start, count: Self.key.utf8CodeUnitCount)
        try checking {
            let writes = core.writeOptions(sync: false)
            rocksdb_put_cf(core.pointer, writes, family.pointer, key.characters, key.count, nil, 0, $0)
        }
        let options: OpaquePointer = rocksdb_compactoptions_create()
        defer { rocksdb_compactoptions_destroy(options) }
        // Else it would wait for compactions under way and hold new ones back.
        rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0)
        rocksdb_compact_range_cf_opt(
            core.pointer,
            family.pointer,
            options,
            key.characters,
            key.count,
            key.characters,
            key.count
        )
        for property in ["rocksdb.num-entries-active-mem-table", "rocksdb.num-immutable-mem-table"] {
            var left: UInt64 = 0
            let isKnown = rocksdb_property_int_cf(core.pointer, family.pointer, property, &left) == 0
            guard isKnown, left == 0 else {
                throw RocksDBError(code: .ioError, message: "flush failed: \(property) is \(left); see the file LOG")
            }
        }
    }
}
