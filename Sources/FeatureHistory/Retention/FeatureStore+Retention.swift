// Dropping history: what is older than `history` leaves the store, a step at a time.
//
//   due?   newest commit - history - step > horizon, and no lease holds it
//   fold   so that leaves hold everything that had arrived when the horizon was due
//   move   the source's horizon, one registry write; published with a new catalog
//   sweep  resident entities, then leaves, a piece a call; then sweptHorizon = horizon
//
// A read of an entity first drops what the horizon says (`ResidentShard`), so it answers the same before, during and
// after the sweep: which events are dropped depends on the horizon and the events alone.

import Atomics
public import FeatureModel
import RocksDB
import Windowing

extension FeatureStore {
    /// Entities whose leaves are looked at in one piece.
    private static let entitiesPerPiece = 16_384
    private static let slotsPerStep = 256

    /// Holds history where it is for a minute from now on, for a reader that asks as known at `knownAt` again and again.
    ///
    /// - Throws: `refused` when history was dropped since that reader's first request.
    public func leaseHistory(knownAt: Instant) throws(StoreError) {
        guard leases.renew(knownAt, now: clock()) else {
            throw StoreError(
                .refused,
                "history was dropped while rows known at \(knownAt.iso8601) were read: rows from before and after do not fit together. Read them all again"
            )
        }
    }

    /// Moves horizons that are due and drops what lies before them, a piece a call. Called now and then by the one
    /// maintenance thread; blocking.
    ///
    /// - Returns: whether anything was done.
    func retain() throws(StoreError) -> Bool {
        if try moveHorizons() { return true }
        guard let (name, record) = catalog.sources.first(where: { $0.value.sweptHorizon < $0.value.horizon }) else {
            return false
        }
        try sweep(name, record)
        return true
    }

    private func moveHorizons() throws(StoreError) -> Bool {
        let start = writer.withLock { state }
        guard start.commit > 0 else { return false }
        let arrival = start.arrival
        let definition = catalog.definition
        var targets: [String: Int64] = [:]
        // One sweep at a time: a horizon that moved on before it ended would begin it anew, again and again.
        for (name, record) in catalog.sources where record.sweptHorizon == record.horizon {
            guard let length = definition.historyLength(of: name) else { continue }
            targets[name] = HorizonStep.target(
                history: length,
                arrival: arrival,
                current: record.horizon.microseconds
            )
        }
        guard !targets.isEmpty, leases.allowsMove(now: clock()) else { return false }
        // A late event keeps newer ones from going. One that no leaf holds yet would be overlooked by the sweep; one that
        // arrives from here on is not late enough to matter.
        try fold()
        let hasMoved = try writer.withLock { () throws(StoreError) in
            try checkNotFailed()
            // A reader may have begun while the fold ran.
            guard leases.allowsMove(now: clock()) else { return false }
            var hasMoved = false
            for (name, target) in targets {
                // Definitions may have changed meanwhile.
                guard let length = catalog.definition.historyLength(of: name), var record = catalog.sources[name],
                    HorizonStep.target(history: length, arrival: arrival, current: record.horizon.microseconds)
                        == target,
                    arrival <= state.foldedArrival
                else { continue }
                record.horizon = Instant(microseconds: target)
                try replace(record, of: name, in: catalog)
                hasMoved = true
            }
            if hasMoved { leases.moved() }
            return hasMoved
        }
        guard hasMoved else { return false }
        for shard in resident.shards {
            let count = shard.slotCount
            for start in stride(from: 0, to: count, by: Self.slotsPerStep) {
                shard.dropHistory(start..<min(count, start + Self.slotsPerStep), catalog.retentions)
            }
        }
        return true
    }

    /// Sweeps one piece of a source's leaves. Excludes folds, which rewrite leaves too.
    private func sweep(_ source: String, _ record: SourceRecord) throws(StoreError) {
        try folding.withLock { () throws(StoreError) in
            try checkNotFailed()
            let catalog = catalog
            let histories = catalog.histories.filter { $0.source == source }
            let start = sweepCursor.value(for: source, horizon: record.horizon)
            for history in histories where history.id >= start.history {
                guard let retention = catalog.retentions[history.id] else { continue }
                let sweep = HistorySweep(
                    database: database,
                    families: families,
                    history: history,
                    retention: Retention(horizon: record.horizon.microseconds, kept: retention.kept),
                    treeShape: options.treeShape
                )
                let next = try sweep.run(
                    from: history.id == start.history ? start.entity : nil,
                    entitiesMax: Self.entitiesPerPiece
                ) { writes throws(StoreError) in
                    if writes.count > 0 { try commitOrFail(writes, sync: false) }
                }
                if let next {
                    sweepCursor.set(source, record.horizon, history: history.id, entity: next)
                    return
                }
            }
            try writer.withLock { () throws(StoreError) in
                guard var swept = self.catalog.sources[source] else { return }
                swept.sweptHorizon = record.horizon
                try replace(swept, of: source, in: self.catalog)
            }
        }
    }
}

/// How far the sweep of a source has come; begun anew after a restart. Only touched inside `folding`.
final class SweepCursor: @unchecked Sendable {
    private var source = ""
    private var horizon = Instant.distantPast
    private var history: UInt32 = 0
    private var entity: [UInt8]?

    func value(for source: String, horizon: Instant) -> (history: UInt32, entity: [UInt8]?) {
        guard source == self.source, horizon == self.horizon else { return (0, nil) }
        return (history, entity)
    }

    func set(_ source: String, _ horizon: Instant, history: UInt32, entity: [UInt8]) {
        (self.source, self.horizon, self.history, self.entity) = (source, horizon, history, entity)
    }
}
