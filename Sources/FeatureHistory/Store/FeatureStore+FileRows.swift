// Rows from files: which are there, and how many.

public import FeatureModel
public import Windowing

extension FeatureStore {
    /// Excludes all other commits of rows from files while `body` asks what is there and commits what is not. Reads and
    /// commits of streams go on; `body` may wait for the disk.
    public func withFileRows<R>(_ body: () throws(StoreError) -> R) throws(StoreError) -> R {
        try fileCommits.withLock(body)
    }

    /// Which rows of a batch of file rows its history holds already, in memory or on disk. Within `withFileRows`; blocking.
    ///
    /// - Returns: a flag a row; nil when none is there.
    public func present(_ batch: EventBatch, of history: HistorySchema) throws(StoreError) -> [Bool]? {
        let hours = writer.withLock { fileRows.hours[history.id] }
        guard let hours else { return nil }
        var flags: [Bool]?
        let retention = catalog.retentions[history.id] ?? .none
        var (hour, newest) = (Int64.min, Int64.min)
        var identity: [UInt8] = []
        for row in 0..<batch.count {
            let time = batch.times[row]
            if FileRowHour.hour(of: time) != hour {
                hour = FileRowHour.hour(of: time)
                newest = hours[hour]?.newest ?? .min
            }
            guard time <= newest else { continue }
            identity.removeAll(keepingCapacity: true)
            batch.withKey(row) { StoreKeys.appendEntity(history: history.id, key: $0, to: &identity) }
            let order = batch.eventOrder(row)
            var isThere = false
            while try !readEvents(
                of: identity,
                history: history.id,
                types: history.types,
                retention: retention,
                { isThere = $0.contains(order) }
            ) {}
            if isThere { flags = flags ?? Array(repeating: false, count: batch.count) }
            if isThere { flags?[row] = true }
        }
        return flags
    }

    /// Rows that came from files, by hours since the epoch: of several histories of the source the most.
    public func fileRowHours(of source: String, _ range: Range<Int64>) -> [Int64: UInt64] {
        let histories = catalog.histories.filter { $0.source == source }.map(\.id)
        let counts = writer.withLock { fileRows }
        var most: [Int64: UInt64] = [:]
        for history in histories {
            for (hour, count) in counts.hours[history] ?? [:] where range.contains(hour) {
                most[hour] = max(most[hour] ?? 0, count.rows)
            }
        }
        return most
    }

    /// Declares that a source is complete from `from` on. Never moves what is decided to a later instant.
    ///
    /// - Returns: from when on it is complete now.
    /// - Throws: `unknownName` for no such source.
    public func declareAvailable(_ source: String, from: Instant) throws(StoreError) -> Instant {
        try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            let old = catalog
            guard var record = old.sources[source] else { throw StoreError(.unknownName, "no source '\(source)'") }
            guard !record.isAvailabilityDecided || from < record.availableFrom else { return record.availableFrom }
            record.availableFrom = from
            record.isAvailabilityDecided = true
            try replace(record, of: source, in: old)
            return from
        }
    }
}
