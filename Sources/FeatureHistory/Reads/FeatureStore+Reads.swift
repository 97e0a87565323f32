import Atomics
public import FeatureModel
public import Windowing

/// Buffers of a reader, reused from read to read so that a read of a resident entity allocates nothing. Owned by one
/// thread.
public final class ReadScratch {
    public let cells = FeatureCells(capacity: 64)
    /// The request values of the rows that are about to be read, checked against the plan's by who fills them.
    public var request = RequestValues()
    let derived = DerivedEvaluation()
    let identity = EntityIdentity()
    /// Of many rows of one entity, for each part of a plan.
    var advancing: [AdvancingWindows] = []
    /// Of each part, whether the rows at hand are read that way.
    var isBegun: [Bool] = []

    public init() {}
}

/// When a read happens, on both time axes.
@frozen
public struct ReadPoint: Hashable, Sendable {
    /// T.
    public var asOf: Instant
    /// K: events that arrived later do not count.
    public var knownAt: Instant
    public var boundary: Boundary

    @inlinable
    public init(asOf: Instant, knownAt: Instant, boundary: Boundary = .strict) {
        self.asOf = asOf
        self.knownAt = knownAt
        self.boundary = boundary
    }
}

extension FeatureStore {
    /// The (T, K) that a request gets: its own where given, else now and the newest visible commit. A K beyond the newest
    /// commit is that commit: the reply names it, and asking again with it gives the same bits.
    public func readPoint(asOf: Instant?, knownAt: Instant?, boundary: Boundary) -> ReadPoint {
        let newest = newestCommit
        return ReadPoint(asOf: asOf ?? now, knownAt: knownAt.map { min($0, newest) } ?? newest, boundary: boundary)
    }

    /// Reads one entity without touching the disk; a vector that is kept from an earlier read may answer.
    ///
    /// - Parameters:
    ///   - key: the join keys' values in the plan's order, as `EntityKey` writes them; checked by the caller.
    ///   - scratch: gets one cell a feature, in the plan's order.
    ///   - row: the entity's row of `scratch.request`, for plans that need request values.
    ///   - wantsEventTimes: false leaves the cells' event times undefined.
    ///   - waits: false for an event loop: then it does not wait for a commit, or what else is busy with the entity's shard.
    /// - Returns: false when some history of the entity is not in memory: use `read`; or when it would have to wait.
    public func readResident(
        _ plan: LookupPlan,
        key: UnsafeRawBufferPointer,
        at point: ReadPoint,
        _ scratch: ReadScratch,
        row: Int = 0,
        wantsEventTimes: Bool = true,
        waits: Bool = true
    ) -> Bool {
        scratch.cells.reserve(plan.cellCount)
        for part in plan.parts {
            setIdentity(part, key, scratch)
            let identity = scratch.identity.bytes
            let hash = EntityIdentity.hash(identity)
            let reading = resident.shard(hash).answer(
                VectorRead(part: part, point: point, cells: scratch.cells, wantsEventTimes: wantsEventTimes),
                identity,
                hash: hash,
                hasLeaves: hasLeaves.load(ordering: .acquiring),
                waits: waits
            ) { events in
                Self.evaluate(part.windows, part.outputs, events, point, scratch)
            }
            guard case .done = reading else { return false }
        }
        if !plan.derived.isEmpty { scratch.derived.run(plan, scratch, row: row) }
        return true
    }

    /// How many entities `warm` takes at a time.
    public static let warmCount = 16
    /// Of a plan over more histories the others are not warmed: so many locks are held at once.
    private static let warmPartsMax = 4

    /// Brings into the processor's cache what `readResident` of the next entities will look at; changes nothing else, and does not
    /// wait. For a thread that does not step back: whoever loses its processor in here has many shards.
    ///
    /// - Parameters:
    ///   - count: of entities, at most `warmCount` count.
    ///   - next: gives the next entity's key.
    public func warm(
        _ plan: LookupPlan,
        count: Int,
        _ scratch: ReadScratch,
        _ next: () -> UnsafeRawBufferPointer?
    ) {
        let parts = plan.parts.prefix(Self.warmPartsMax)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.warmCount * parts.count) { hashes in
            var found = 0
            for _ in 0..<min(count, Self.warmCount) {
                guard let key = next() else { break }
                for part in parts {
                    setIdentity(part, key, scratch)
                    hashes[found] = EntityIdentity.hash(scratch.identity.bytes)
                    found += 1
                }
            }
            resident.warm(UnsafeBufferPointer(rebasing: hashes[..<found]))
        }
    }

    /// Reads one entity, from disk where it is not in memory; blocking.
    public func read(
        _ plan: LookupPlan,
        key: UnsafeRawBufferPointer,
        at point: ReadPoint,
        _ scratch: ReadScratch,
        row: Int = 0
    ) throws(StoreError) {
        scratch.cells.reserve(plan.cellCount)
        for part in plan.parts {
            setIdentity(part, key, scratch)
            try readPart(part, part.windows, part.outputs, point, scratch)
        }
        if !plan.derived.isEmpty { scratch.derived.run(plan, scratch, row: row) }
    }

    /// Evaluates some windows of a part for the entity that `scratch.identity` names.
    func readPart(
        _ part: LookupPlan.Part,
        _ windows: WindowPlan,
        _ outputs: [Int32],
        _ point: ReadPoint,
        _ scratch: ReadScratch
    ) throws(StoreError) {
        // False when a fold came between the leaves and the tail: again.
        while try !readEvents(
            of: scratch.identity.copy,
            history: part.history,
            types: part.types,
            retention: part.retention,
            { events in Self.evaluate(windows, outputs, events, point, scratch) }
        ) {}
    }

    /// Lends the events of an entity, without those that history has dropped by now, under its shard's lock; reads them from
    /// disk first where they are not in memory. Blocking.
    ///
    /// - Parameters:
    ///   - types: of the history's columns, where the catalog does not know the history any more.
    ///   - body: called once when the result is true, else not at all.
    /// - Returns: false when a fold or an apply came between: again.
    func readEvents(
        of identity: [UInt8],
        history: UInt32,
        types: ColumnTypes,
        retention: Retention,
        _ body: (EntityEvents) -> Void
    ) throws(StoreError) -> Bool {
        let hash = identity.withUnsafeBytes { EntityIdentity.hash($0) }
        let shard = resident.shard(hash)
        let reading = identity.withUnsafeBytes {
            shard.evaluate(
                $0,
                hash: hash,
                retention: retention,
                hasLeaves: hasLeaves.load(ordering: .acquiring),
                body
            )
        }
        guard case .cold(let epoch) = reading else { return true }
        // Leaves may have columns that the reader's definitions did not know yet.
        let before = catalog
        let types = before.histories.first { $0.id == history }?.types ?? types
        let leaves = EventBatch(types: types, capacity: LeafCodec.eventsMax)
        let base: [UInt8]?
        do throws(StoreError) {
            base = try LeafWriter(database: database, families: families).readAll(identity, into: leaves)
        } catch {
            // More columns than a moment ago: an apply came between.
            if generation != before.generation { return false }
            throw error
        }
        let adoption = identity.withUnsafeBytes {
            shard.adopt(leaves, base: base, $0, hash: hash, epoch: epoch, retention: retention, body)
        }
        if case .corrupt = adoption { throw StoreError(.corruption, "the base of an entity is not readable") }
        if case .stale = adoption { return false }
        return true
    }

    private static func evaluate(
        _ windows: WindowPlan,
        _ outputs: [Int32],
        _ events: EntityEvents,
        _ point: ReadPoint,
        _ scratch: ReadScratch
    ) {
        outputs.withUnsafeBufferPointer { outputs in
            guard let base = outputs.baseAddress else { return }
            windows.evaluate(
                events,
                asOf: point.asOf,
                knownAt: point.knownAt,
                boundary: point.boundary,
                into: scratch.cells,
                outputs: base
            )
        }
    }

    /// Picks the join keys of this history out of the request's key.
    func setIdentity(_ part: LookupPlan.Part, _ key: UnsafeRawBufferPointer, _ scratch: ReadScratch) {
        scratch.identity.begin(part.history)
        guard let components = part.components else { return scratch.identity.append(key) }
        for wanted in components {
            var start = 0
            var index = 0
            while let (_, count) = EntityKey.component(in: key, at: start) {
                if index == wanted {
                    scratch.identity.append(UnsafeRawBufferPointer(rebasing: key[start..<(start + count)]))
                    break
                }
                start += count
                index += 1
            }
        }
    }

    /// Whether `key` consists of values of the plan's join keys: count, order, types and length.
    public static func isKey(_ key: UnsafeRawBufferPointer, of plan: LookupPlan) -> Bool {
        guard key.count <= EntityKey.byteCountMax else { return false }
        var start = 0
        for joinKey in plan.joinKeys {
            guard let (type, count) = EntityKey.component(in: key, at: start), type == joinKey.type else {
                return false
            }
            start += count
        }
        return start == key.count
    }
}
