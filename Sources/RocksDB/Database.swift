import CRocksDB
import Synchronization

/// An open RocksDB database: ordered byte keys and values in column families, written in atomic batches.
///
/// All methods may be called from any thread; all of them may block on the disk. After ``close()`` they throw
/// ``RocksDBError/Code/closed``. The family named `default` belongs to this wrapper (see ``flushAll()``).
public final class Database: Sendable {
    let core: OpenDatabase
    let options: DatabaseOptions
    /// Flushes run one at a time: a second marker row would spoil the first one's proof.
    let flushing: Mutex<FlushMarker>

    private init(core: OpenDatabase, options: DatabaseOptions, defaultFamily: ColumnFamily) {
        self.core = core
        self.options = options
        flushing = Mutex(FlushMarker(family: defaultFamily))
    }

    deinit { _ = core.close() }

    /// Opens the database in the directory `path`, with the families of `columnFamilies`, which are made when missing.
    /// Families on disk that the list does not name are opened with default options, since RocksDB opens all or none.
    ///
    /// Throws `.locked` when another open database holds the directory, `.corruption` when files do not fit together
    /// (also when the directory has table files but no `CURRENT`: RocksDB would start afresh over them), and
    /// `.invalidArgument` for options that RocksDB does not know.
    public static func open(
        path: String,
        options: DatabaseOptions = DatabaseOptions(),
        columnFamilies: [ColumnFamilyOptions]
    ) throws(RocksDBError) -> Database {
        try checkNotBeheaded(path)
        let families = try allFamilies(columnFamilies, path: path)
        let cache: OpaquePointer = rocksdb_cache_create_lru(options.blockCacheBytes)
        do {
            let (pointer, handles) = try openAll(path: path, options: options, families: families, cache: cache)
            let core = OpenDatabase(pointer: pointer, cache: cache)
            let opened = zip(families, handles).map { ColumnFamily(name: $0.name, pointer: $1, database: core) }
            core.families.withLock { $0 = opened }
            return Database(core: core, options: options, defaultFamily: opened[0])
        } catch {
            rocksdb_cache_destroy(cache)
            throw error
        }
    }

    /// The family of that name; nil when there is none, when it was dropped, and for `default`.
    public func columnFamily(_ name: String) -> ColumnFamily? {
        guard name != defaultFamilyName else { return nil }
        return core.families.withLock { $0.last { $0.name == name && !$0.isDropped } }
    }

    /// Closes the database. Calls under way finish; later ones throw `.closed`. Calling it again does nothing.
    ///
    /// Iterators, snapshots and write batches with operations in them keep the files open until they are gone.
    /// - Returns: whether the files, and so the lock on the directory, are released by now.
    @discardableResult
    public func close() -> Bool { core.close() }
}
