import CRocksDB

extension Database {
    /// Reads one value in place: `body` gets the bytes, which are valid only inside it, or nil when the key is absent.
    /// A value in the block cache is not copied. One read sees one state of the database.
    ///
    /// - Parameter snapshot: reads the state of that snapshot instead of the newest.
    public func withValue<R>(
        forKey key: UnsafeRawBufferPointer,
        in family: ColumnFamily,
        snapshot: Snapshot? = nil,
        _ body: (UnsafeRawBufferPointer?) -> R
    ) throws(RocksDBError) -> R {
        try family.enter(core)
        defer { core.leave() }
        let reads = snapshot.map { $0.readOptions(for: core) } ?? core.reads
        let value = try checking {
            rocksdb_get_pinned_cf(core.pointer, reads, family.pointer, key.characters, key.count, $0)
        }
        guard let value else { return body(nil) }
        defer { rocksdb_pinnableslice_destroy(value) }
        var count = 0
        let start = rocksdb_pinnableslice_value(value, &count)
        return body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Like ``withValue(forKey:in:snapshot:_:)`` with the key as an array.
    public func withValue<R>(
        forKey key: [UInt8],
        in family: ColumnFamily,
        snapshot: Snapshot? = nil,
        _ body: (UnsafeRawBufferPointer?) -> R
    ) throws(RocksDBError) -> R {
        // `withUnsafeBytes` cannot carry a typed error out, hence the detour through a result.
        let result = key.withUnsafeBytes { bytes in
            Result { () throws(RocksDBError) in
                try withValue(forKey: bytes, in: family, snapshot: snapshot, body)
            }
        }
        return try result.get()
    }

    /// A copy of the value; nil when the key is absent.
    public func get(
        _ key: UnsafeRawBufferPointer,
        in family: ColumnFamily,
        snapshot: Snapshot? = nil
    ) throws(RocksDBError) -> [UInt8]? {
        try withValue(forKey: key, in: family, snapshot: snapshot) { $0.map { [UInt8]($0) } }
    }

    /// A copy of the value; nil when the key is absent.
    public func get(
        _ key: [UInt8],
        in family: ColumnFamily,
        snapshot: Snapshot? = nil
    ) throws(RocksDBError) -> [UInt8]? {
        try withValue(forKey: key, in: family, snapshot: snapshot) { $0.map { [UInt8]($0) } }
    }

    /// An iterator over the keys `lowerBound <= key < upperBound`, not placed anywhere yet. It sees the state of
    /// `snapshot`, or the state at this call, and keeps that state and the open database until it is gone.
    ///
    /// - Parameters:
    ///   - fillCache: false for long scans, which would push everything else out of the block cache.
    ///   - readaheadBytes: reads that much at once from the device; 0 lets RocksDB find out that this is a scan.
    public func makeIterator(
        in family: ColumnFamily,
        lowerBound: [UInt8]? = nil,
        upperBound: [UInt8]? = nil,
        snapshot: Snapshot? = nil,
        fillCache: Bool = true,
        readaheadBytes: Int = 0
    ) throws(RocksDBError) -> Iterator {
        try family.enter(core)
        return Iterator(
            core,
            family,
            lowerBound: lowerBound,
            upperBound: upperBound,
            snapshot: snapshot,
            fillCache: fillCache,
            readaheadBytes: readaheadBytes
        )
    }

    /// Fixes the state at this call, for reads until the snapshot is gone. Compaction keeps what it sees: let it go
    /// soon.
    public func makeSnapshot() throws(RocksDBError) -> Snapshot {
        try core.enter()
        return Snapshot(core)
    }
}
