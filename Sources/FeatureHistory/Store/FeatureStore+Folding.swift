// Folding: moving events from resident tails to leaves.
//
//   resident tails of commits <= C --> per entity: read the leaf that covers them, merge, split, write --> RocksDB
//   then, in one batch: folded = C, journal rows <= C deleted
//
// Batches of about a megabyte; a crash between them leaves events both in leaves and in the journal (invariant S3).

import Atomics
import FeatureModel
import RocksDB
import Windowing

extension FeatureStore {
    private static let batchBytes = 1 << 20
    private static let slotsPerStep = 256

    /// Drops history that is due, folds and evicts where the limits ask for it. Called now and then by one maintenance thread; blocking.
    ///
    /// - Returns: whether anything was done.
    @discardableResult
    public func maintain() throws(StoreError) -> Bool {
        do throws(StoreError) { return try keepUp() } catch {
            // Nothing would be folded or evicted any more: better by name than by growing.
            if isFatal(error) { fail(error) }
            throw error
        }
    }

    /// Folds unless leaves hold all that had arrived by `instant`, which is no later than the newest visible commit. Blocking.
    func fold(through instant: Instant) throws(StoreError) {
        guard foldedArrival.load(ordering: .acquiring) < instant.microseconds else { return }
        do throws(StoreError) { try fold() } catch {
            if isFatal(error) { fail(error) }
            throw error
        }
    }

    private func isFatal(_ error: StoreError) -> Bool {
        switch error.code {
        case .corruption, .disk, .unknownFormat: true
        default: false
        }
    }

    private func keepUp() throws(StoreError) -> Bool {
        let resident = self.resident.residentBytes
        let limit = options.residentBytesMax
        let isFull = resident > limit / 10 * 9
        // Memory first: a sweep of a large store takes many pieces.
        guard isFull || unfoldedEvents.load(ordering: .relaxed) >= options.unfoldedEventsMax else {
            return try retain()
        }
        try fold()
        if isFull {
            _ = self.resident.evict(
                bytes: resident - limit / 10 * 7,
                foldedThrough: foldedArrival.load(ordering: .acquiring)
            )
        }
        _ = try retain()
        return true
    }

    /// Whether ingest must wait for `maintain`: memory is beyond the budget.
    public var isOverBudget: Bool {
        unfoldedEvents.load(ordering: .relaxed) >= options.unfoldedEventsMax * 2
            || resident.residentBytes > options.residentBytesMax
    }

    /// Sizes, for `status`.
    public struct Figures: Sendable {
        public var commits: UInt64
        public var residentEntities: Int
        public var residentBytes: Int
        /// Lookups of entities in memory that a kept vector answered, and those that were evaluated.
        public var vectorHits: UInt64
        public var vectorMisses: UInt64
        public var unfoldedEvents: Int
    }

    /// The store's sizes now; walks the shards, so not for every request.
    public var figures: Figures {
        let vectors = resident.vectorCounts
        return Figures(
            commits: writer.withLock { state.commit },
            residentEntities: resident.population.entities,
            residentBytes: resident.residentBytes,
            vectorHits: vectors.hits,
            vectorMisses: vectors.misses,
            unfoldedEvents: unfoldedEvents.load(ordering: .relaxed)
        )
    }

    /// Drops every entity that leaves hold wholly, so that the next reads come from disk. For tests and benchmarks.
    public func evictAll() {
        _ = resident.evict(bytes: .max / 2, foldedThrough: foldedArrival.load(ordering: .acquiring))
    }

    /// Rewrites the table files so that nothing that was replaced takes space any more. Blocking, and long; RocksDB does
    /// the same by and by.
    public func compact() throws(StoreError) {
        try checkNotFailed()
        try storing { () throws(RocksDBError) in
            try database.flushAll()
            for family in [families.leaves, families.journal, families.ledger, families.registry] {
                try database.compactRange(family)
            }
        }
    }

    /// Moves the events of all visible commits to leaves.
    public func fold() throws(StoreError) {
        try folding.withLock { () throws(StoreError) in
            try checkNotFailed()
            // Under the writer lock no commit is half applied: whatever joins later arrived later.
            let (start, pending) = writer.withLock { (state, unfoldedEvents.load(ordering: .relaxed)) }
            guard start.commit > start.foldedCommit else { return }
            let isFirst = !hasLeaves.exchange(true, ordering: .acquiringAndReleasing)
            let leaves = LeafWriter(database: database, families: families, isFirst: isFirst)
            for shard in resident.shards {
                try fold(shard, after: start.foldedArrival, through: start.arrival, to: leaves)
            }
            try writer.withLock { () throws(StoreError) in
                var next = state
                next.foldedCommit = start.commit
                next.foldedArrival = start.arrival
                var writes = WriteBatch()
                writes.deleteRange(
                    from: StoreKeys.number(0),
                    to: StoreKeys.number(start.commit + 1),
                    in: families.journal
                )
                writes.put(RegistryKey.state, RegistryCodec.encode(next), in: families.registry)
                try commitOrFail(writes, sync: false)
                state = next
                foldedArrival.store(start.arrival, ordering: .releasing)
                unfoldedEvents.wrappingDecrement(by: pending, ordering: .relaxed)
            }
        }
    }

    private func fold(
        _ shard: ResidentShard,
        after: Int64,
        through: Int64,
        to leaves: LeafWriter
    ) throws(StoreError) {
        let types = Dictionary(catalog.histories.map { ($0.id, $0.types) }, uniquingKeysWith: { first, _ in first })
        var writes = WriteBatch()
        let count = shard.slotCount
        var start = 0
        while start < count {
            let range = start..<min(count, start + Self.slotsPerStep)
            var entities: [(identity: [UInt8], events: EventBatch)] = []
            shard.unfolded(range, after: after, through: through) { id in
                types[id].map { EventBatch(types: $0, capacity: 16) }
            } _: {
                entities.append(($0, $1))
            }
            for (identity, events) in entities {
                try leaves.merge(events, of: identity, into: &writes)
                if writes.byteCount >= Self.batchBytes {
                    try commitOrFail(writes, sync: false)
                    writes.clear()
                }
            }
            try commitOrFail(writes, sync: false)
            writes.clear()
            shard.trim(range, through: through)
            start = range.upperBound
        }
    }
}
