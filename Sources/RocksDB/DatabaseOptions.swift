/// How a database is opened. The defaults suit a machine with 2 cores and a store that can replay its log from Kafka.
///
/// Some settings are not offered because another value breaks a promise: `atomic_flush` is on, `manual_wal_flush` off,
/// the WAL recovery mode is point-in-time, RocksDB's own recovery from errors is off. A damaged log then leaves all
/// families at one and the same earlier state, and never some of them ahead of others.
public struct DatabaseOptions: Hashable, Sendable {
    /// Makes the directory (its parent must exist) and an empty database when there is none.
    public var createIfMissing = true

    /// The block cache that all column families share, with the index and filter blocks in it. Bytes.
    public var blockCacheBytes = 64 << 20

    /// The most that the memtables of all column families hold together before all are flushed. Bytes; 0 is no bound.
    public var writeBufferBytes = 64 << 20

    /// The log size from which the memtables are flushed to let old logs go. Bytes; 0 leaves it to RocksDB.
    public var logBytesMax = 256 << 20

    /// Flushes and compactions at a time.
    public var maxBackgroundJobs = 2

    /// Open table files; -1 keeps all open, which range tombstones need to stay cheap.
    public var maxOpenFiles = -1

    /// Checks more while reading and writing, and refuses a database with missing or odd files.
    public var paranoidChecks = true

    /// Further settings in RocksDB's own syntax `name=value;name=value`, taken last. An unknown name or a bad value
    /// fails `open` with ``RocksDBError/Code/invalidArgument``.
    public var extraOptions = ""

    public init() {}
}
