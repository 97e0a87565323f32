// A shard of the resident structure: the entities whose hash falls here, under one lock.
//
//   ingest    append(rows)         tail events join the entity; no disk is read
//   lookup    answer(...)          from memory when the entity is complete here, else .cold
//   reader    adopt(leaves)        after a cold read: the entity is complete from now on
//   fold      unfolded(...) -> leaves are written -> trim(...)
//
// An entity is `complete` when all its events are here; otherwise only those that no fold has moved to leaves yet.
// `epoch` changes whenever a fold has trimmed events: a cold read that began before must be repeated, since the leaves
// it saw may miss what the fold just moved.

import FeatureModel
import Windowing

final class ResidentShard: @unchecked Sendable {
    // Safe to share: everything below is only touched inside `lock`.
    let lock = ShardLock()
    private(set) var index = EntityIndex()
    private(set) var slots: [EntitySlot] = []
    private var freeSlots: [Int] = []
    private var epoch: UInt64 = 0
    private var byteCount = 0
    private var clockHand = 0
    /// What was read to warm the cache, so that it is read.
    var touched = 0
    private var vectorHits: UInt64 = 0
    private var vectorMisses: UInt64 = 0
    private let treeShape: TreeShape

    init(treeShape: TreeShape) { self.treeShape = treeShape }

    enum Adoption {
        case done
        /// A fold came between: read the leaves again.
        case stale
        /// The base is not one.
        case corrupt
    }

    enum Reading {
        case done
        /// The entity's leaves must be read first; pass the epoch to `adopt`.
        case cold(epoch: UInt64)
    }

    deinit {
        for index in slots.indices where slots[index].isUsed { slots[index].free() }
    }

    // MARK: Ingest

    /// Adds rows of this shard to their entities.
    ///
    /// - Parameter isNewComplete: whether an entity that is not here yet has no events elsewhere.
    func append(_ range: Range<Int>, of rows: ShardedRows, isNewComplete: Bool) {
        lock.withLock {
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: range.count) { places in
                guard let places = places.baseAddress else { return }
                find(range, of: rows, isNewComplete: isNewComplete, into: places)
                slots.withUnsafeMutableBufferPointer { slots in
                    guard let slots = slots.baseAddress else { return }
                    var (grown, sum) = (0, 0)
                    for place in 0..<range.count { sum &+= slots[Int(places[place])].events.touchEnd() }
                    for (place, row) in range.enumerated() {
                        let entity = slots + Int(places[place])
                        entity.pointee.vectors.forget()
                        if entity.pointee.events.appendInPlace(row, of: rows.batch) { continue }
                        let before = entity.pointee.events.byteCount
                        entity.pointee.events.insert(row, of: rows.batch)
                        grown += entity.pointee.events.byteCount - before
                    }
                    byteCount += grown
                    touched = sum
                }
            }
        }
    }

    /// Finds the slots of rows, or makes them. Step by step for all rows: loads that do not wait for each other, so that their
    /// cache misses overlap. Without it a row costs five misses in a row.
    private func find(
        _ range: Range<Int>,
        of rows: ShardedRows,
        isNewComplete: Bool,
        into places: UnsafeMutablePointer<Int32>
    ) {
        let hashes = rows.hashes + range.lowerBound
        index.firstSlots(of: hashes, into: places, count: range.count)
        slots.withUnsafeBufferPointer { slots in
            var sum = 0
            for place in 0..<range.count where places[place] >= 0 {
                sum &+= slots[Int(places[place])].identity.touch()
                sum &+= slots[Int(places[place])].events.touchSelf()
            }
            touched = sum
        }
        for (place, row) in range.enumerated() {
            let identity = rows.identities[row]
            if places[place] >= 0, slots[Int(places[place])].identity == identity { continue }
            let slot = find(identity, rows.hashes[row]) ?? insert(identity, rows.hashes[row], isComplete: isNewComplete)
            places[place] = Int32(truncatingIfNeeded: slot)
        }
    }

    // MARK: Lookups

    /// Answers a read of one part of a plan: from a kept vector, else by an evaluation whose results are kept; or says that
    /// the entity must be read from disk first.
    ///
    /// - Parameters:
    ///   - hasLeaves: as for `evaluate`.
    ///   - waits: whether to wait for a thread that is in the shard.
    ///   - evaluate: fills the cells from the events.
    /// - Returns: nil when it would have to wait.
    func answer(
        _ read: VectorRead,
        _ identity: UnsafeRawBufferPointer,
        hash: UInt64,
        hasLeaves: @autoclosure () -> Bool,
        waits: Bool,
        _ evaluate: (EntityEvents) -> Void
    ) -> Reading? {
        if waits { return lock.withLock { answer(read, identity, hash, hasLeaves(), evaluate) } }
        return lock.withLockSoon { answer(read, identity, hash, hasLeaves(), evaluate) }
    }

    @inline(__always)
    private func answer(
        _ read: VectorRead,
        _ identity: UnsafeRawBufferPointer,
        _ hash: UInt64,
        _ hasLeaves: @autoclosure () -> Bool,
        _ evaluate: (EntityEvents) -> Void
    ) -> Reading {
        guard let slot = find(identity, hash) else {
            if hasLeaves() { return .cold(epoch: epoch) }
            evaluate(EntityEvents())
            return .done
        }
        return slots.withUnsafeMutableBufferPointer { slots in
            let entity = slots.baseAddress.unsafelyUnwrapped + slot
            guard entity.pointee.isComplete else { return .cold(epoch: epoch) }
            entity.pointee.isReferenced = true
            // A horizon that has moved makes a new plan: its part has no vector yet.
            if entity.pointee.vectors.answer(read) {
                vectorHits &+= 1
                return .done
            }
            vectorMisses &+= 1
            let before = entity.pointee.byteCount
            let start = read.cells.strings.count
            entity.pointee.drop(read.part.retention)
            evaluate(entity.pointee.events)
            if read.part.windows.isSteady {
                entity.pointee.vectors.keep(read, stringsFrom: start, entity.pointee.events)
            }
            byteCount += entity.pointee.byteCount - before
            return .done
        }
    }

    /// Evaluates a plan for an entity, or says that it must be read from disk first.
    ///
    /// - Parameter hasLeaves: whether there are any leaves at all; without them nobody is cold. Asked under the lock, after
    ///   the search: asked before, a first fold and an eviction in between would make an entity look unknown.
    func evaluate(
        _ identity: UnsafeRawBufferPointer,
        hash: UInt64,
        retention: Retention,
        hasLeaves: @autoclosure () -> Bool,
        _ body: (EntityEvents) -> Void
    ) -> Reading {
        lock.withLock {
            guard let slot = find(identity, hash) else {
                if hasLeaves() { return .cold(epoch: epoch) }
                body(EntityEvents())
                return .done
            }
            guard slots[slot].isComplete else { return .cold(epoch: epoch) }
            slots[slot].isReferenced = true
            read(slot, retention, body)
            return .done
        }
    }

    /// Takes in the leaves of a cold entity, merges what is here already, and evaluates.
    ///
    /// - Parameters:
    ///   - leaves: the entity's events from disk; empty when it has none.
    ///   - base: what is left of events that were dropped; nil when there are none.
    func adopt(
        _ leaves: EventBatch,
        base: [UInt8]?,
        _ identity: UnsafeRawBufferPointer,
        hash: UInt64,
        epoch: UInt64,
        retention: Retention,
        _ body: (EntityEvents) -> Void
    ) -> Adoption {
        lock.withLock {
            guard epoch == self.epoch else { return .stale }
            let isKnown = leaves.count > 0 || base != nil
            guard let slot = find(identity, hash) ?? (isKnown ? insert(identity, hash, isComplete: false) : nil) else {
                // An entity that nobody ever saw takes no memory, or lookups of random keys would fill it.
                body(EntityEvents())
                return .done
            }
            if !slots[slot].isComplete {
                // Leaves come oldest first: fill a fresh block in order, then put the few tail events in their places.
                let before = slots[slot].events.byteCount
                // By its own columns: the reader's may be those of an older definition.
                let tail = EventBatch(types: slots[slot].events.storedTypes)
                slots[slot].events.copy(arrivedAfter: .min, through: .max, to: tail)
                slots[slot].events.free()
                slots[slot].events = EntityEvents(shape: treeShape)
                if let base, !base.withUnsafeBytes({ slots[slot].events.setBase($0, types: leaves.columnTypes) }) {
                    // As before, but for the order of its tail: the next read meets the same bytes.
                    for row in 0..<tail.count { slots[slot].events.insert(row, of: tail) }
                    byteCount += slots[slot].events.byteCount - before
                    return .corrupt
                }
                for row in 0..<leaves.count { slots[slot].events.insert(row, of: leaves) }
                for row in 0..<tail.count { slots[slot].events.insert(row, of: tail) }
                slots[slot].isComplete = true
                byteCount += slots[slot].events.byteCount - before
            }
            slots[slot].isReferenced = true
            read(slot, retention, body)
            return .done
        }
    }

    /// A read may fill tiles: they count as memory too. What history has dropped meanwhile goes first.
    private func read(_ slot: Int, _ retention: Retention, _ body: (EntityEvents) -> Void) {
        let before = slots[slot].byteCount
        slots[slot].drop(retention)
        body(slots[slot].events)
        byteCount += slots[slot].byteCount - before
    }

    /// Reads that a kept vector answered, and those that were evaluated although a vector might have.
    var vectorCounts: (hits: UInt64, misses: UInt64) { lock.withLock { (vectorHits, vectorMisses) } }

    // MARK: Folding

    /// The number of slots, for walking them in pieces; it may grow meanwhile, by entities with newer events only.
    var slotCount: Int { lock.withLock { slots.count } }

    /// Copies the events of slots `range` that arrived in `(after, through]`, entity by entity.
    func unfolded(
        _ range: Range<Int>,
        after: Int64,
        through: Int64,
        makeBatch: (UInt32) -> EventBatch?,
        _ body: (_ identity: [UInt8], _ events: EventBatch) -> Void
    ) {
        lock.withLock {
            for slot in range.clamped(to: 0..<slots.count)
            where slots[slot].isUsed && slots[slot].events.newestArrival > after {
                guard let batch = makeBatch(slots[slot].identity.history) else { continue }
                // A walk puts a tree's spine right, which gives tiles back.
                let before = slots[slot].events.byteCount
                slots[slot].events.copy(arrivedAfter: after, through: through, to: batch)
                byteCount += slots[slot].events.byteCount - before
                if batch.count > 0 { body(slots[slot].identity.withBytes { Array($0) }, batch) }
            }
        }
    }

    /// After a fold has written the events that arrived up to `arrival` to leaves: incomplete entities need not keep
    /// them.
    func trim(_ range: Range<Int>, through arrival: Int64) {
        lock.withLock {
            epoch += 1
            for slot in range.clamped(to: 0..<slots.count) where slots[slot].isUsed && !slots[slot].isComplete {
                let before = slots[slot].events.byteCount
                slots[slot].events.removeArrivals(through: arrival)
                byteCount += slots[slot].events.byteCount - before
                if slots[slot].events.isEmpty { remove(slot) }
            }
        }
    }

    // MARK: Sampling

    /// The identity of the first entity of a history in slots `range`, if there is one.
    func identity(in range: Range<Int>, history: UInt32) -> [UInt8]? {
        lock.withLock {
            for slot in range.clamped(to: 0..<slots.count)
            where slots[slot].isUsed && slots[slot].identity.history == history {
                return slots[slot].identity.withBytes { Array($0) }
            }
            return nil
        }
    }

    // MARK: Retention

    /// Drops what has left history from slots `range`, where all of an entity is here.
    func dropHistory(_ range: Range<Int>, _ retentions: [UInt32: Retention]) {
        lock.withLock {
            for slot in range.clamped(to: 0..<slots.count) where slots[slot].isUsed && slots[slot].isComplete {
                guard let retention = retentions[slots[slot].identity.history] else { continue }
                let before = slots[slot].events.byteCount
                slots[slot].drop(retention)
                byteCount += slots[slot].events.byteCount - before
            }
        }
    }

    // MARK: Memory

    /// Bytes held by entities and the index, without the allocator's own overhead.
    var residentBytes: Int {
        lock.withLock { byteCount + index.byteCount + slots.count * MemoryLayout<EntitySlot>.stride }
    }

    /// Drops entities that leaves hold wholly, least recently read first (second chance), until about `target` bytes
    /// are freed or the hand has gone round twice.
    func evict(bytes target: Int, foldedThrough: Int64) -> Int {
        lock.withLock {
            var freed = 0
            var steps = slots.count * 2
            while freed < target, steps > 0, !slots.isEmpty {
                steps -= 1
                clockHand = (clockHand + 1) % slots.count
                guard slots[clockHand].isUsed else { continue }
                if slots[clockHand].isReferenced {
                    slots[clockHand].isReferenced = false
                } else if slots[clockHand].events.newestArrival <= foldedThrough {
                    freed += slots[clockHand].byteCount
                    remove(clockHand)
                }
            }
            return freed
        }
    }

    /// Entities here, and how many of them are complete.
    var population: (entities: Int, complete: Int) {
        lock.withLock { (index.count, slots.reduce(0) { $0 + ($1.isUsed && $1.isComplete ? 1 : 0) }) }
    }

    // MARK: Slots (inside the lock)

    @inline(__always)
    private func find(_ identity: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
        find(StoredIdentity(borrowing: identity), hash)
    }

    @inline(__always)
    private func find(_ sought: StoredIdentity, _ hash: UInt64) -> Int? {
        slots.withUnsafeBufferPointer { slots in
            index.find(hash: UInt32(truncatingIfNeeded: hash)) { slots[$0].identity == sought }
        }
    }

    private func insert(_ identity: UnsafeRawBufferPointer, _ hash: UInt64, isComplete: Bool) -> Int {
        insert(StoredIdentity(borrowing: identity), hash, isComplete: isComplete)
    }

    private func insert(_ borrowed: StoredIdentity, _ hash: UInt64, isComplete: Bool) -> Int {
        var own = borrowed
        own.own()
        let slot = EntitySlot(
            identity: own,
            hash: hash,
            isComplete: isComplete,
            events: EntityEvents(shape: treeShape)
        )
        let place: Int
        if let free = freeSlots.popLast() {
            slots[free] = slot
            place = free
        } else {
            place = slots.count
            slots.append(slot)
        }
        index.insert(hash: UInt32(truncatingIfNeeded: hash), slot: place)
        byteCount += own.byteCount
        return place
    }

    private func remove(_ slot: Int) {
        byteCount -= slots[slot].byteCount
        index.remove(hash: UInt32(truncatingIfNeeded: slots[slot].hash), slot: slot)
        slots[slot].free()
        freeSlots.append(slot)
    }
}
