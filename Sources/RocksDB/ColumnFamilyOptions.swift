/// One column family: its name, and how its table files are made.
public struct ColumnFamilyOptions: Hashable, Sendable {
    public enum Compression: Hashable, Sendable {
        case none
        case lz4
    }

    /// What keeps a point read from opening a table that does not hold the key.
    public enum Filter: Hashable, Sendable {
        /// The faster one to build.
        case bloom(bitsPerKey: Double)
        /// About 30 % smaller for the same false positives, slower to build.
        case ribbon(bitsPerKey: Double)
    }

    public var name: String
    public var compression = Compression.lz4

    /// A filter over whole keys; nil for families that are only scanned.
    public var filter: Filter?

    /// Uncompressed size of a data block. Bytes.
    public var blockBytes = 16 << 10

    /// The most that one memtable of this family holds. Bytes. With `atomic_flush` the first full one flushes all.
    public var writeBufferBytes = 32 << 20

    /// Leaves out the filters of the last level: right when nearly every read finds its key.
    public var optimizeFiltersForHits = false

    /// A small hash table in each data block, for families read by whole key. Costs space, does nothing for scans.
    public var hashIndexInDataBlocks = false

    public init(_ name: String) { self.name = name }
}
