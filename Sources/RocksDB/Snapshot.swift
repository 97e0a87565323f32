import CRocksDB

/// One state of a database, for reads from any thread. Released when the last reference is gone; keeps the database
/// open until then.
///
/// `@unchecked Sendable`: all pointers are constants, and reads do not change what they point to.
public final class Snapshot: @unchecked Sendable {
    private let core: OpenDatabase
    private let reads: OpaquePointer
    let pointer: OpaquePointer

    /// Takes over one use of `core`.
    init(_ core: OpenDatabase) {
        self.core = core
        pointer = rocksdb_create_snapshot(core.pointer)
        reads = rocksdb_readoptions_create()
        rocksdb_readoptions_set_snapshot(reads, pointer)
    }

    deinit {
        rocksdb_readoptions_destroy(reads)
        rocksdb_release_snapshot(core.pointer, pointer)
        core.leave()
    }

    /// Read options that see this snapshot; they live as long as the snapshot.
    func readOptions(for database: OpenDatabase) -> OpaquePointer {
        precondition(database === core, "the snapshot belongs to another database")
        return reads
    }
}
