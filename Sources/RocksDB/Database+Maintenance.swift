import CRocksDB
import Synchronization

extension Database {
    /// Moves everything written before this call from memory to synced table files, all families in one atomic step.
    /// Blocks until that is done. Throws `.ioError` when it failed; ``backgroundErrorCount`` is above 0 then.
    ///
    /// Uses the family `default`, which is not for others.
    public func flushAll() throws(RocksDBError) {
        try core.enter()
        defer { core.leave() }
        try flushing.withLock { marker throws(RocksDBError) in try marker.flushAll(core) }
    }

    /// Writes an openable copy of the state at this call to the directory `path`, which must not exist; its parent
    /// must, on the same file system, since table files are hard-linked. Flushes all families first.
    public func checkpoint(to path: String) throws(RocksDBError) {
        try core.enter()
        defer { core.leave() }
        guard let checkpoint = try checking({ rocksdb_checkpoint_object_create(core.pointer, $0) }) else {
            throw RocksDBError(code: .other, message: "RocksDB made no checkpoint object and no error")
        }
        defer { rocksdb_checkpoint_object_destroy(checkpoint) }
        // Log size 0: always flush, so that the copy does not depend on a log.
        try checking { rocksdb_checkpoint_create(checkpoint, path, 0, $0) }
    }

    /// Compacts the keys `lower...upper`, nil being an end. Blocks. RocksDB reports no error here: look at
    /// ``backgroundErrorCount`` afterwards.
    public func compactRange(
        _ family: ColumnFamily,
        from lower: [UInt8]? = nil,
        to upper: [UInt8]? = nil
    ) throws(RocksDBError) {
        try family.enter(core)
        defer { core.leave() }
        // An empty array may have no address, and a null address means an end: for the lower key that is the same, and
        // an empty upper key can only mean the empty key itself.
        let lowerCount = lower?.count ?? 0
        let upperBytes = upper.map { $0.isEmpty ? [0] : $0 }
        let upperCount = upper?.count ?? 0
        lower.withCharacters { lowerStart in
            upperBytes.withCharacters { upperStart in
                rocksdb_compact_range_cf(core.pointer, family.pointer, lowerStart, lowerCount, upperStart, upperCount)
            }
        }
    }

    /// A property of RocksDB's, such as `rocksdb.stats`, of one family or of the database; nil when it is unknown.
    public func property(_ name: String, in family: ColumnFamily? = nil) throws(RocksDBError) -> String? {
        try core.enter()
        defer { core.leave() }
        let text =
            if let family {
                rocksdb_property_value_cf(core.pointer, family.pointer, name)
            } else {
                rocksdb_property_value(core.pointer, name)
            }
        guard let text else { return nil }
        defer { rocksdb_free(text) }
        return String(cString: text)
    }

    /// A property that is a number, such as `rocksdb.estimate-num-keys`; nil when it is unknown or not a number.
    public func intProperty(_ name: String, in family: ColumnFamily? = nil) throws(RocksDBError) -> UInt64? {
        try core.enter()
        defer { core.leave() }
        var value: UInt64 = 0
        let status =
            if let family {
                rocksdb_property_int_cf(core.pointer, family.pointer, name, &value)
            } else {
                rocksdb_property_int(core.pointer, name, &value)
            }
        return status == 0 ? value : nil
    }

    /// The number of failed flushes and compactions since the database was opened. Above 0: close it and open it again.
    public var backgroundErrorCount: UInt64 {
        get throws(RocksDBError) { try intProperty("rocksdb.background-errors") ?? 0 }
    }
}

extension Optional<[UInt8]> {
    fileprivate func withCharacters<R>(_ body: (UnsafePointer<CChar>?) -> R) -> R {
        guard let self else { return body(nil) }
        return self.withUnsafeBytes { body($0.characters) }
    }
}
