import CRocksDB

/// Writes to one or more column families of one database that become visible and durable together, in the order in
/// which they were added. For one thread at a time; may move between threads. Reuse it with ``clear()``.
///
/// A batch with operations in it keeps its database open; an empty one does not. Operations on a closed database are
/// dropped: ``Database/write(_:sync:)`` reports it then.
public struct WriteBatch: ~Copyable {
    let pointer: OpaquePointer
    /// The database of the operations so far, of which this batch holds one use.
    private(set) var database: OpenDatabase?

    public init() { pointer = rocksdb_writebatch_create() }

    deinit {
        rocksdb_writebatch_destroy(pointer)
        database?.leave()
    }

    /// The number of operations.
    public var count: Int { Int(rocksdb_writebatch_count(pointer)) }

    /// The size of the operations as they go to the log. Bytes.
    public var byteCount: Int {
        var count = 0
        _ = rocksdb_writebatch_data(pointer, &count)
        return count
    }

    /// Drops all operations; keeps the memory.
    public mutating func clear() {
        rocksdb_writebatch_clear(pointer)
        database?.leave()
        database = nil
    }

    /// Sets the value of `key`, in place of an earlier one.
    public mutating func put(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        in family: ColumnFamily
    ) {
        guard bind(to: family) else { return }
        rocksdb_writebatch_put_cf(pointer, family.pointer, key.characters, key.count, value.characters, value.count)
    }

    /// Removes `key`; no error when it is absent.
    public mutating func delete(_ key: UnsafeRawBufferPointer, in family: ColumnFamily) {
        guard bind(to: family) else { return }
        rocksdb_writebatch_delete_cf(pointer, family.pointer, key.characters, key.count)
    }

    /// Removes the keys `lower <= key < upper` with one tombstone. Many of them slow every read of the family down.
    public mutating func deleteRange(
        from lower: UnsafeRawBufferPointer,
        to upper: UnsafeRawBufferPointer,
        in family: ColumnFamily
    ) {
        guard bind(to: family) else { return }
        rocksdb_writebatch_delete_range_cf(
            pointer,
            family.pointer,
            lower.characters,
            lower.count,
            upper.characters,
            upper.count
        )
    }

    /// Takes the use at the first operation, and checks that later ones go to the same database: RocksDB would write
    /// into whatever family has the same number there.
    private mutating func bind(to family: ColumnFamily) -> Bool {
        if let database {
            precondition(family.database === database, "column family \(family.name) belongs to another database")
            return true
        }
        guard family.database.tryEnter() else { return false }
        database = family.database
        return true
    }
}

extension WriteBatch {
    /// Sets the value of `key`, in place of an earlier one.
    public mutating func put(_ key: [UInt8], _ value: [UInt8], in family: ColumnFamily) {
        key.withUnsafeBytes { key in value.withUnsafeBytes { value in put(key, value, in: family) } }
    }

    /// Removes `key`; no error when it is absent.
    public mutating func delete(_ key: [UInt8], in family: ColumnFamily) {
        key.withUnsafeBytes { delete($0, in: family) }
    }

    /// Removes the keys `lower <= key < upper` with one tombstone.
    public mutating func deleteRange(from lower: [UInt8], to upper: [UInt8], in family: ColumnFamily) {
        lower.withUnsafeBytes { lower in upper.withUnsafeBytes { deleteRange(from: lower, to: $0, in: family) } }
    }
}
