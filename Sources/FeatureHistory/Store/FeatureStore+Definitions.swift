public import FeatureModel

import RocksDB

extension FeatureStore {
    /// The files that were applied last, as they were; empty when nothing is applied.
    public var appliedFiles: [DefinitionFile] { writer.withLock { files } }

    /// Applies definitions: the histories and columns that they need are added and the catalog is replaced, in one write
    /// batch. Readers see the old or the new definitions, never a mixture.
    ///
    /// - Parameters:
    ///   - files: the repository's files, kept so that the next start, and `plan`, know what is applied.
    ///   - definitionHash: SHA-256 of the canonical definition, hex.
    /// - Throws: `refused` when a stored column would change its type; then nothing is applied.
    @discardableResult
    public func apply(
        _ definition: FeatureStoreDefinition,
        definitionHash: String,
        files: [DefinitionFile]
    ) throws(StoreError) -> Catalog {
        try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            let old = catalog
            var sources = old.sources
            for source in definition.sources where sources[source.name] == nil {
                let next = (sources.values.map { Int($0.ordinal) }.max() ?? 0) + 1
                guard let ordinal = UInt16(exactly: next) else {
                    throw StoreError(.refused, "more than 65,535 sources")
                }
                sources[source.name] = SourceRecord(
                    ordinal: ordinal,
                    incarnation: 0,
                    cluster: "",
                    availableFrom: .distantPast,
                    isAvailabilityDecided: false
                )
            }
            let consumed = Set(old.sources.filter { $0.value.incarnation > 0 }.keys)
                .union(old.histories.filter { fileRows.hasRows(of: $0.id) }.map(\.source))
            let histories = try Catalog.histories(
                for: definition,
                existing: old.histories,
                replacing: old.definition,
                consumed: consumed,
                now: clock()
            )
            let catalog = Catalog(
                definition: definition,
                definitionHash: definitionHash,
                histories: histories,
                sources: sources,
                generation: old.generation + 1
            )
            try catalog.derivedFeatures.check()
            var batch = WriteBatch()
            batch.put(RegistryKey.files, RegistryCodec.encode(files), in: families.registry)
            put(catalog, to: &batch)
            try commitOrFail(batch, sync: true)
            self.files = files
            publish(catalog)
            return catalog
        }
    }

    /// Makes definitions that are applied already current after a start: nothing is written.
    public func activate(_ definition: FeatureStoreDefinition, definitionHash: String) {
        writer.withLock {
            let old = catalog
            publish(
                Catalog(
                    definition: definition,
                    definitionHash: definitionHash,
                    histories: old.histories,
                    sources: old.sources,
                    generation: old.generation + 1
                )
            )
        }
    }

    /// Begins or goes on with a source's incarnation on a cluster.
    ///
    /// - Parameter isNewTopic: the topic was recreated (a fresh development broker): a new incarnation begins, without
    ///   offsets.
    public func incarnation(of source: String, cluster: String, isNewTopic: Bool) throws(StoreError) -> SourceRecord {
        try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            let old = catalog
            guard var record = old.sources[source] else { throw StoreError(.unknownName, "no source '\(source)'") }
            guard record.incarnation == 0 || isNewTopic else { return record }
            // The last one is that of files.
            guard record.incarnation < StreamID.fileIncarnation - 1 else {
                throw StoreError(.refused, "source '\(source)': 65,534 incarnations are used up")
            }
            record.incarnation += 1
            record.cluster = cluster
            try replace(record, of: source, in: old)
            return record
        }
    }

    /// Writes a source's record and publishes a catalog with it. Inside `writer`.
    func replace(_ record: SourceRecord, of source: String, in old: Catalog) throws(StoreError) {
        var sources = old.sources
        sources[source] = record
        var batch = WriteBatch()
        batch.put(RegistryKey.source(source), RegistryCodec.encode(record), in: families.registry)
        try commitOrFail(batch, sync: true)
        publish(
            Catalog(
                definition: old.definition,
                definitionHash: old.definitionHash,
                histories: old.histories,
                sources: sources,
                generation: old.generation + 1
            )
        )
    }

    private func put(_ catalog: Catalog, to batch: inout WriteBatch) {
        for history in catalog.histories {
            batch.put(RegistryKey.history(history.id), RegistryCodec.encode(history), in: families.registry)
        }
        for (name, source) in catalog.sources {
            batch.put(RegistryKey.source(name), RegistryCodec.encode(source), in: families.registry)
        }
    }

    /// Writes a batch; an error stops the store (invariant S4).
    func commitOrFail(_ batch: borrowing WriteBatch, sync: Bool) throws(StoreError) {
        do throws(RocksDBError) { try database.write(batch, sync: sync) } catch {
            let failed = StoreError(error)
            fail(failed)
            throw failed
        }
    }
}
