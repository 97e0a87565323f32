import Atomics
import FeatureModel
import RocksDB
import Windowing

/// Keys of the `registry` column family.
enum RegistryKey {
    static let format = Array("format".utf8)
    static let state = Array("state".utf8)
    static let counters = Array("counters".utf8)
    static let files = Array("definitions/files".utf8)
    static let historyPrefix = "history/"
    static let sourcePrefix = "source/"
    static let fileRowsPrefix = Array("file_rows/".utf8)

    static func history(_ id: UInt32) -> [UInt8] { Array(historyPrefix.utf8) + StoreKeys.number(UInt64(id)) }
    static func source(_ name: String) -> [UInt8] { Array((sourcePrefix + name).utf8) }
}

extension FeatureStore {
    /// The layout of the data directory. A directory with another number is refused by name (promise P6).
    static let formatVersion: UInt32 = 2

    struct Recovered {
        var catalog: Catalog
        var state: StoreState
        var counters: [String: UInt64]
        var files: [DefinitionFile]
        var fileRows: FileRowCounts
    }

    static func openDatabase(_ directory: String, _ options: StoreOptions) throws(StoreError) -> Database {
        var databaseOptions = DatabaseOptions()
        databaseOptions.blockCacheBytes = options.databaseBytes / 2
        databaseOptions.writeBufferBytes = max(16 << 20, options.databaseBytes / 4)
        return try storing { () throws(RocksDBError) in
            try Database.open(path: directory, options: databaseOptions, columnFamilies: ColumnFamilies.options)
        }
    }

    static func readRegistry(_ database: Database, _ families: ColumnFamilies) throws(StoreError) -> Recovered {
        try checkFormat(database, families)
        func value(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
            try storing { () throws(RocksDBError) in try database.get(key, in: families.registry) }
        }
        let state = try value(RegistryKey.state).map { bytes throws(StoreError) in try RegistryCodec.decodeState(bytes)
        }
        let counters = try value(RegistryKey.counters).map { bytes throws(StoreError) in
            try RegistryCodec.decodeCounters(bytes)
        }
        let files = try value(RegistryKey.files).map { bytes throws(StoreError) in try RegistryCodec.decodeFiles(bytes)
        }
        var histories: [HistorySchema] = []
        var sources: [String: SourceRecord] = [:]
        var fileRows = FileRowCounts()
        var iterator = try storing { () throws(RocksDBError) in try database.makeIterator(in: families.registry) }
        iterator.seekToFirst()
        while iterator.isValid {
            let key = String(decoding: iterator.key, as: UTF8.self)
            let bytes = Array(iterator.value)
            if iterator.key.starts(with: RegistryKey.fileRowsPrefix) {
                try fileRows.read(Array(iterator.key), bytes)
            } else if key.hasPrefix(RegistryKey.historyPrefix) {
                histories.append(try RegistryCodec.decodeHistory(bytes))
            } else if key.hasPrefix(RegistryKey.sourcePrefix) {
                sources[String(key.dropFirst(RegistryKey.sourcePrefix.count))] = try RegistryCodec.decodeSource(bytes)
            }
            iterator.next()
        }
        try check(iterator)
        histories.sort { $0.id < $1.id }
        let catalog = Catalog(
            definition: FeatureStoreDefinition(project: ""),
            definitionHash: "",
            histories: histories,
            sources: sources,
            generation: 1
        )
        return Recovered(
            catalog: catalog,
            state: state ?? StoreState(),
            counters: counters ?? [:],
            files: files ?? [],
            fileRows: fileRows
        )
    }

    private static func checkFormat(_ database: Database, _ families: ColumnFamilies) throws(StoreError) {
        // Stored arrays are little-endian as they stand in memory.
        guard UInt16(1).littleEndian == 1 else { throw StoreError(.unknownFormat, "this machine is not little-endian") }
        let stored = try storing { () throws(RocksDBError) in
            try database.get(RegistryKey.format, in: families.registry)
        }
        guard let stored else {
            try storing { () throws(RocksDBError) in
                var batch = WriteBatch()
                batch.put(RegistryKey.format, StoreKeys.number(UInt64(formatVersion)), in: families.registry)
                try database.write(batch, sync: true)
            }
            return
        }
        let version = stored.withUnsafeBytes { StoreKeys.number(in: $0) }
        guard version == UInt64(formatVersion) else {
            throw StoreError(
                .unknownFormat,
                "the data directory has format \(version.map(String.init) ?? "unreadable"); this build reads format \(formatVersion)"
            )
        }
    }

    static func hasAnyLeaf(_ database: Database, _ families: ColumnFamilies) throws(StoreError) -> Bool {
        try storing { () throws(RocksDBError) in
            var iterator = try database.makeIterator(in: families.leaves)
            iterator.seekToFirst()
            try iterator.checkStatus()
            return iterator.isValid
        }
    }

    /// Applies the journal rows that no fold covers. Rows before the fold may still stand when the process died between
    /// a fold's leaves and its final batch; `insert` drops what leaves already hold when the two meet.
    func replayJournal() throws(StoreError) {
        let state = state
        var iterator = try storing { () throws(RocksDBError) in
            try database.makeIterator(in: families.journal, fillCache: false)
        }
        iterator.seek(to: StoreKeys.number(state.foldedCommit + 1))
        var expected = state.foldedCommit
        while iterator.isValid {
            guard let commit = StoreKeys.number(in: iterator.key), commit > expected, commit <= state.commit else {
                throw StoreError(
                    .corruption,
                    "journal row out of place after commit \(expected); the newest is \(state.commit)"
                )
            }
            expected = commit
            let (_, batches) = try JournalCodec.decode(iterator.value)
            for (history, batch) in batches {
                guard let schema = catalog.histories.first(where: { $0.id == history }) else {
                    throw StoreError(
                        .corruption,
                        "journal row \(commit) names history \(history), which is not in the registry"
                    )
                }
                // Slots are followed by the history's types: a row of other types would be read as what it is not.
                let types = schema.types
                guard types.starts(with: batch.types), batch.eventID == types.eventID else {
                    throw StoreError(.corruption, "journal row \(commit) has other columns than history \(history)")
                }
                resident.append(batch, history: history, isNewComplete: !hasLeaves.load(ordering: .relaxed))
                unfoldedEvents.wrappingIncrement(by: batch.count, ordering: .relaxed)
            }
            iterator.next()
        }
        try check(iterator)
    }
}
