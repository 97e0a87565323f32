import RocksDB

/// The store's column families; `StoreKeys` draws their keys.
struct ColumnFamilies: Sendable {
    let registry: ColumnFamily
    let offsets: ColumnFamily
    let journal: ColumnFamily
    let ledger: ColumnFamily
    let leaves: ColumnFamily
    let deadLetters: ColumnFamily

    init(_ database: Database) throws(StoreError) {
        registry = try Self.family("registry", database)
        offsets = try Self.family("offsets", database)
        journal = try Self.family("journal", database)
        ledger = try Self.family("ledger", database)
        leaves = try Self.family("leaves", database)
        deadLetters = try Self.family("dead_letters", database)
    }

    private static func family(_ name: String, _ database: Database) throws(StoreError) -> ColumnFamily {
        guard let family = database.columnFamily(name) else {
            throw StoreError(.corruption, "column family '\(name)' is missing")
        }
        return family
    }

    static var options: [ColumnFamilyOptions] {
        var leaves = ColumnFamilyOptions("leaves")
        leaves.filter = .bloom(bitsPerKey: 10)
        leaves.blockBytes = 8 << 10
        leaves.hashIndexInDataBlocks = true
        // Rows of megabytes that are deleted unread after a fold: neither a filter nor compression earns its time.
        var journal = ColumnFamilyOptions("journal")
        journal.compression = .none
        return [
            ColumnFamilyOptions("registry"), ColumnFamilyOptions("offsets"), journal, ColumnFamilyOptions("ledger"),
            leaves,
            ColumnFamilyOptions("dead_letters"),
        ]
    }
}
