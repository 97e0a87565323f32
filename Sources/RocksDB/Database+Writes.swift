import CRocksDB
import Synchronization

extension Database {
    /// Applies all operations of the batch or none, across its families. The batch is left as it is.
    ///
    /// Readers see either nothing or all of it, from the moment of the return at the latest. With `sync` it survives a
    /// loss of power; without, a killed process only. Batches of several threads are applied one after the other in
    /// some order. Blocks while RocksDB holds writers back for a flush or a compaction.
    public func write(_ batch: borrowing WriteBatch, sync: Bool) throws(RocksDBError) {
        try core.enter()
        defer { core.leave() }
        if let owner = batch.database {
            precondition(owner === core, "the batch belongs to another database")
        }
        let options = core.writeOptions(sync: sync)
        try checking { rocksdb_write(core.pointer, options, batch.pointer, $0) }
    }

    /// Makes a column family. Throws `.invalidArgument` when there is one of that name.
    public func createColumnFamily(_ family: ColumnFamilyOptions) throws(RocksDBError) -> ColumnFamily {
        try core.enter()
        defer { core.leave() }
        // RocksDB would say so as well, but its C function loses 8 bytes whenever it fails.
        guard family.name != defaultFamilyName, columnFamily(family.name) == nil else {
            throw RocksDBError(code: .invalidArgument, message: "there is a column family \(family.name)")
        }
        let familyOptions = try COptions.make(options, family, cache: core.cache)
        defer { rocksdb_options_destroy(familyOptions) }
        let handle = try checking { rocksdb_create_column_family(core.pointer, familyOptions, family.name, $0) }
        guard let handle else {
            let message = "RocksDB made \(family.name) without a handle and without an error"
            throw RocksDBError(code: .other, message: message)
        }
        let made = ColumnFamily(name: family.name, pointer: handle, database: core)
        core.families.withLock { $0.append(made) }
        return made
    }

    /// Drops a column family with all its data. Readers that hold it may finish; writes to it fail from now on.
    public func dropColumnFamily(_ family: ColumnFamily) throws(RocksDBError) {
        try family.enter(core)
        defer { core.leave() }
        try checking { rocksdb_drop_column_family(core.pointer, family.pointer, $0) }
        family.markDropped()
    }
}
