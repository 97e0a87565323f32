import CRocksDB

/// A place in the ordered keys of one column family. For one thread at a time; may move between threads.
///
/// `@unchecked Sendable`: moves are mutating, so the compiler grants them alone; what is not mutating only reads, which
/// RocksDB allows on several threads at a time.
///
/// Not being valid means "past an end" or "failed": after a loop ask ``checkStatus()``, or a damaged block looks like
/// the end of the data. Seeks look at all keys, whatever filters the family has.
public struct Iterator: ~Copyable, @unchecked Sendable {
    private let core: OpenDatabase
    fileprivate let pointer: OpaquePointer
    private let reads: OpaquePointer
    private let snapshot: Snapshot?
    // RocksDB keeps the address of a bound and not its bytes, so they are ours until the iterator is gone.
    private let lowerBound: UnsafeMutableRawBufferPointer?
    private let upperBound: UnsafeMutableRawBufferPointer?

    /// Takes over one use of `core`.
    init(
        _ core: OpenDatabase,
        _ family: ColumnFamily,
        lowerBound: [UInt8]?,
        upperBound: [UInt8]?,
        snapshot: Snapshot?,
        fillCache: Bool,
        readaheadBytes: Int
    ) {
        self.core = core
        self.snapshot = snapshot
        self.lowerBound = lowerBound.map(Self.copy)
        self.upperBound = upperBound.map(Self.copy)
        reads = rocksdb_readoptions_create()
        rocksdb_readoptions_set_total_order_seek(reads, 1)
        rocksdb_readoptions_set_fill_cache(reads, flag(fillCache))
        if readaheadBytes > 0 { rocksdb_readoptions_set_readahead_size(reads, readaheadBytes) }
        if let snapshot {
            _ = snapshot.readOptions(for: core)
            rocksdb_readoptions_set_snapshot(reads, snapshot.pointer)
        }
        if let bound = self.lowerBound {
            let bytes = UnsafeRawBufferPointer(bound)
            rocksdb_readoptions_set_iterate_lower_bound(reads, bytes.characters, bytes.count)
        }
        if let bound = self.upperBound {
            let bytes = UnsafeRawBufferPointer(bound)
            rocksdb_readoptions_set_iterate_upper_bound(reads, bytes.characters, bytes.count)
        }
        pointer = rocksdb_create_iterator_cf(core.pointer, reads, family.pointer)
    }

    deinit {
        rocksdb_iter_destroy(pointer)
        rocksdb_readoptions_destroy(reads)
        lowerBound?.deallocate()
        upperBound?.deallocate()
        core.leave()
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        // One byte at least: RocksDB reads a null address as "no bound".
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        copy.copyBytes(from: bytes)
        return UnsafeMutableRawBufferPointer(rebasing: copy[..<bytes.count])
    }

    /// Whether the iterator stands on an entry. ``key``, ``value``, ``next()`` and ``previous()`` need that.
    public var isValid: Bool { rocksdb_iter_valid(pointer) != 0 }

    /// The key of the entry. The bytes are valid until the next move of the iterator and not beyond its life.
    public var key: UnsafeRawBufferPointer {
        precondition(isValid, "the iterator stands on no entry")
        var count = 0
        let start = rocksdb_iter_key(pointer, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The value of the entry. The bytes are valid until the next move of the iterator and not beyond its life.
    public var value: UnsafeRawBufferPointer {
        precondition(isValid, "the iterator stands on no entry")
        var count = 0
        let start = rocksdb_iter_value(pointer, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Throws what stopped the iterator; returns when it is valid or has run past an end.
    public func checkStatus() throws(RocksDBError) {
        try checking { rocksdb_iter_get_error(pointer, $0) }
    }
}

extension Iterator {
    /// To the first entry within the bounds whose key is not below `key`.
    public mutating func seek(to key: UnsafeRawBufferPointer) {
        rocksdb_iter_seek(pointer, key.characters, key.count)
    }

    /// To the first entry within the bounds whose key is not below `key`.
    public mutating func seek(to key: [UInt8]) {
        key.withUnsafeBytes { rocksdb_iter_seek(pointer, $0.characters, $0.count) }
    }

    /// To the last entry within the bounds whose key is not above `key`.
    public mutating func seekForPrev(to key: UnsafeRawBufferPointer) {
        rocksdb_iter_seek_for_prev(pointer, key.characters, key.count)
    }

    /// To the last entry within the bounds whose key is not above `key`.
    public mutating func seekForPrev(to key: [UInt8]) {
        key.withUnsafeBytes { rocksdb_iter_seek_for_prev(pointer, $0.characters, $0.count) }
    }

    public mutating func seekToFirst() { rocksdb_iter_seek_to_first(pointer) }

    public mutating func seekToLast() { rocksdb_iter_seek_to_last(pointer) }

    /// One entry up. The iterator must be valid.
    public mutating func next() {
        precondition(isValid, "the iterator stands on no entry")
        rocksdb_iter_next(pointer)
    }

    /// One entry down. The iterator must be valid.
    public mutating func previous() {
        precondition(isValid, "the iterator stands on no entry")
        rocksdb_iter_prev(pointer)
    }
}
