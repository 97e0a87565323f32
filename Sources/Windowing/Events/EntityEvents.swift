// All events of one entity in memory: one leaf while they are few, a tree once they are many.
//
//   few     leaf | events, sorted |                     most entities: no node, no tile, one block
//   many    tree --> nodes --> leaves                   a read costs the logarithm of the window's events
//           heap | bytes of string values |
//           base | what is left of events that history has dropped |       see `HistoryBase`

import FeatureModel

/// The events of one entity. Not thread-safe; its shard's lock guards it. Must be `free`d by its owner.
public struct EntityEvents {
    // What an append touches stands together.
    private var leaf: EventLeaf
    private var tree: EventTree?
    /// Events that are here; those that were dropped do not count.
    public private(set) var count = 0
    private var heap = StringHeap()
    /// nil until an event is dropped.
    private var basePointer: UnsafeMutablePointer<HistoryBase>?
    /// Up to which horizon history has been dropped.
    public private(set) var horizon: Int64 = .min
    /// Columns that were stored so far, and a bit for each that holds strings.
    private var columnCount: Int32 = 0
    /// nil: every event counts.
    private var eventID: EventIDColumns?
    private var stringColumns: UInt64 = 0
    private let shape: TreeShape

    public init(shape: TreeShape = .standard) {
        leaf = EventLeaf(columnCount: 0)
        self.shape = shape
    }

    public var byteCount: Int {
        leaf.byteCount + (tree?.byteCount ?? 0) + heap.capacity + (basePointer?.pointee.byteCount ?? 0)
    }

    /// Whether nothing is known about the entity: no event is here and none was dropped.
    public var isEmpty: Bool { count == 0 && basePointer == nil }

    /// The latest instant at which an event arrived or became a duplicate, which is an arrival too; `Int64.min` when there are
    /// no events.
    public var newestArrival: Int64 { tree?.newestArrival ?? leaf.newestArrival }

    /// For warming the cache: reads the entity's own fields.
    @inline(__always)
    public func touchSelf() -> Int { count &+ Int(leaf.count) }

    /// For warming the cache: reads where an append in order would write.
    public func touchEnd() -> Int { tree?.touchEnd() ?? leaf.touchEnd() }

    public mutating func free() {
        leaf.free()
        tree?.free()
        tree = nil
        heap.free()
        freeBase()
        horizon = .min
        count = 0
    }

    /// Puts a row of `batch` behind all events that are here, where that takes no memory: most of what comes in.
    ///
    /// - Returns: false, with nothing done, when the row is one for `insert`.
    public mutating func appendInPlace(_ number: Int, of batch: EventBatch) -> Bool {
        let row = BatchRow(number, of: batch)
        guard tree?.appendInPlace(row) ?? leaf.appendInPlace(row, isInOrder: false) else { return false }
        count += 1
        return true
    }

    /// Inserts a row of `batch` at its place. An event that is already here (same time and position) is not inserted
    /// again: recovery and cold loads may meet the same event in the journal and in a leaf. Nor is one that was dropped.
    ///
    /// - Returns: whether the event was new.
    @discardableResult
    public mutating func insert(_ number: Int, of batch: EventBatch) -> Bool {
        let row = BatchRow(number, of: batch)
        if let basePointer, !(basePointer.pointee.last < row.order) { return false }
        if tree == nil, leaf.count >= shape.leafEvents {
            tree = EventTree(leaf, shape: shape)
            leaf = EventLeaf(columnCount: 0)
        }
        let duplicateSince = batch.eventID == nil ? .max : meetTwins(number, of: batch)
        if let tree {
            guard tree.insert(row, duplicateSince: duplicateSince, &heap) else { return false }
        } else {
            let order = row.order
            var index = Int(leaf.count)
            if index > 0, !(leaf.order(at: index - 1) < order) {
                index = leaf.insertionIndex(order)
                if index < Int(leaf.count), leaf.order(at: index) == order { return false }
            }
            leaf.insert(row, at: index, duplicateSince: duplicateSince, capacityMax: shape.leafEvents, &heap)
        }
        count += 1
        if batch.columnCount > Int(columnCount) {
            for column in Int(columnCount)..<batch.columnCount where batch.types[column] == .string {
                stringColumns |= 1 << UInt64(column)
            }
            columnCount = Int32(truncatingIfNeeded: batch.columnCount)
            eventID = batch.eventID
        }
        return true
    }

    /// Lets an event that is about to be inserted meet those of its instant.
    ///
    /// - Returns: since when it is a duplicate; `Int64.max`: it is none.
    private mutating func meetTwins(_ row: Int, of batch: EventBatch) -> Int64 {
        guard var twins = EventTwins(row, of: batch) else { return .max }
        if let tree {
            tree.meet(&twins, heap)
        } else if leaf.count > 0, leaf.time(at: Int(leaf.count) - 1) >= twins.time {
            _ = twins.meet(&leaf, heap)
        }
        return twins.since
    }

    /// Types under which `copy` loses nothing: strings as strings, all else as 8 bytes.
    public var storedTypes: ColumnTypes {
        let types = (0..<Int(columnCount)).map { stringColumns & (1 << UInt64($0)) != 0 ? ValueType.string : .int64 }
        return ColumnTypes(types, eventID: eventID)
    }

    /// Copies the events that arrived after `arrival` and not after `last` to the end of `batch`, oldest first.
    public func copy(arrivedAfter arrival: Int64, through last: Int64, to batch: EventBatch) {
        func copy(_ leaf: EventLeaf) {
            let count = Int(leaf.count)
            var index = 0
            while index < count {
                // Mostly all of a leaf, or its end: runs go together.
                let begin = index
                while index < count, leaf.arrival(at: index) > arrival, leaf.arrival(at: index) <= last { index += 1 }
                leaf.copy(begin..<index, to: batch, heap)
                index += 1
            }
        }
        if let tree { tree.leaves(arrivedAfter: arrival, through: last, copy) } else { copy(leaf) }
    }

    /// Copies events to the end of `batch`, oldest first, from the first one behind `place` on, until the batch has
    /// `eventsMax` events or its strings `bytesMax` bytes.
    ///
    /// - Returns: whether there are further ones.
    public func copy(after place: EventOrder, eventsMax: Int, bytesMax: Int, to batch: EventBatch) -> Bool {
        var hasMore = false
        func copy(_ leaf: EventLeaf) -> Bool {
            var index = leaf.insertionIndex(place)
            if index < Int(leaf.count), leaf.order(at: index) == place { index += 1 }
            while index < Int(leaf.count) {
                if batch.count >= eventsMax || batch.strings.count >= bytesMax {
                    hasMore = true
                    return false
                }
                leaf.copy(index, to: batch, heap)
                index += 1
            }
            return true
        }
        if let tree { tree.leaves(from: place, while: copy) } else { _ = copy(leaf) }
        return hasMore
    }

    /// Keeps only the events that arrived after `arrival`; strings stay in the heap until the entity goes.
    public mutating func removeArrivals(through arrival: Int64) {
        if let tree {
            count = tree.removeArrivals(through: arrival)
        } else {
            leaf.removeArrivals(through: arrival)
            count = Int(leaf.count)
        }
        if count == 0, basePointer == nil { free() }
    }

    /// Levels above the leaves; 0 while one leaf holds all.
    var depth: Int { tree?.root.level ?? 0 }

    // MARK: Dropping history

    /// What is left of dropped events; nil when there are none.
    var base: UnsafePointer<HistoryBase>? { basePointer.map { UnsafePointer($0) } }

    /// What was dropped, in outline; nil when nothing was.
    public var dropped: DroppedEvents? { base?.pointee.outline }

    /// Drops the oldest events as long as both their event time and their arrival lie before `horizon`, and keeps in the
    /// base what the layout says. Duplicates go together: with an `event_id` no instant is dropped in part.
    public mutating func drop(before horizon: Int64, keeping layout: BaseLayout?) {
        guard horizon > self.horizon else { return }
        self.horizon = horizon
        var end = Int64.max
        if eventID != nil { end = (tree?.root.firstKept(before: horizon) ?? leaf.firstKept(before: horizon)) ?? .max }
        if let tree {
            if let left = tree.drop(before: horizon, end: end, { dropped($0, $1, layout) }) { count = left }
        } else {
            let rows = leaf.droppable(before: horizon, end: end)
            guard rows > 0 else { return }
            dropped(leaf, rows, layout)
            leaf.removeFirst(rows)
            count -= rows
        }
    }

    private mutating func dropped(_ leaf: EventLeaf, _ rows: Int, _ layout: BaseLayout?) {
        let base: UnsafeMutablePointer<HistoryBase>
        if let basePointer {
            base = basePointer
            base.pointee.keep(layout)
        } else {
            base = .allocate(capacity: 1)
            base.initialize(to: HistoryBase(layout))
            basePointer = base
        }
        base.pointee.take(leaf, rows: rows, heap)
    }

    /// The base's bytes, for `setBase`; nil when nothing was dropped.
    public var encodedBase: [UInt8]? { basePointer?.pointee.encoded(heap, strings: stringColumns) }

    /// Takes over a stored base, before any event comes.
    ///
    /// - Parameter types: of the history's columns.
    /// - Returns: false when the bytes are no base of such columns.
    public mutating func setBase(_ bytes: UnsafeRawBufferPointer, types: ColumnTypes) -> Bool {
        for (column, type) in types.enumerated() where type == .string { stringColumns |= nullBit(column) }
        guard let base = HistoryBase(bytes, &heap, strings: stringColumns) else { return false }
        let pointer = UnsafeMutablePointer<HistoryBase>.allocate(capacity: 1)
        pointer.initialize(to: base)
        freeBase()
        basePointer = pointer
        return true
    }

    private mutating func freeBase() {
        basePointer?.pointee.free()
        basePointer?.deinitialize(count: 1)
        basePointer?.deallocate()
        basePointer = nil
    }

    // MARK: Reading

    /// Whether an event with this time and position is here, or was dropped.
    public func contains(_ order: EventOrder) -> Bool {
        if let basePointer, !(basePointer.pointee.last < order) { return true }
        func isIn(_ leaf: EventLeaf) -> Bool {
            let index = leaf.insertionIndex(order)
            return index < Int(leaf.count) && leaf.order(at: index) == order
        }
        guard let tree else { return isIn(leaf) }
        var isFound = false
        // The first leaf from there on is the only one that may hold it.
        tree.leaves(from: order) { leaf in
            isFound = isIn(leaf)
            return false
        }
        return isFound
    }

    /// Whether any event of `interval`, which has no start, arrived by `knownAt`.
    func hasEvent(in interval: WindowInterval, knownAt: Int64) -> Bool {
        if let tree { return tree.hasEvent(in: interval, knownAt: knownAt, heap) }
        let span = leaf.span(heap)
        return interval.rows(of: span).contains { span.arrivals[$0] <= knownAt }
    }

    /// When the first event that is known at K was, and when it arrived.
    func first(knownAt: Int64) -> (time: Int64, arrival: Int64)? {
        var found: (time: Int64, arrival: Int64)?
        spans(of: WindowInterval(allBefore: .distantFuture, boundary: .inclusive)) { span, range in
            guard let row = range.first(where: { span.arrivals[$0] <= knownAt }) else { return true }
            found = (span.times[row], span.arrivals[row])
            return false
        }
        return found
    }

    /// Lends the events of `interval`, oldest first, while `body` returns true.
    func spans(of interval: WindowInterval, while body: (EventSpan, Range<Int>) -> Bool) {
        func lend(_ leaf: EventLeaf) -> Bool {
            let span = leaf.span(heap)
            // Behind the interval there is nothing more.
            if span.count > 0, !interval.overlaps(first: span.times[0], last: .max) { return false }
            let rows = interval.rows(of: span)
            return rows.isEmpty || body(span, rows)
        }
        if let tree {
            tree.leaves(from: EventOrder(time: interval.start, stream: 0, offset: .min), while: lend)
        } else {
            _ = lend(leaf)
        }
    }

    /// Adds the events of `interval` to an evaluation; they are all older than those added before.
    func add(_ interval: WindowInterval, to evaluation: WindowEvaluation) {
        if let tree { return tree.add(interval, to: evaluation, heap) }
        let span = leaf.span(heap)
        evaluation.extend(over: span, interval.rows(of: span))
    }

    /// Adds the newest events of `interval` until none is wanted any more.
    func add(_ newest: inout NewestEvents, in interval: WindowInterval, to evaluation: WindowEvaluation) {
        if let tree { return tree.add(&newest, in: interval, to: evaluation, heap) }
        let span = leaf.span(heap)
        newest.add(span, interval.rows(of: span), to: evaluation)
    }

    /// The newest event of `interval` that counts: null in no column of `mask`, and arrived by `knownAt`. Valid until the
    /// events change.
    func newest(in interval: WindowInterval, mask: UInt64, knownAt: Int64, _ layout: TileLayout) -> EventRow? {
        if let tree { return tree.newest(in: interval, mask: mask, knownAt: knownAt, layout, heap) }
        let span = leaf.span(heap)
        return span.newestCounted(in: interval.rows(of: span), mask: mask, knownAt: knownAt).map {
            EventRow(span: span, row: $0)
        }
    }

    /// The version before T of a history that may have dropped some: the one found among kept events, else the newest of the
    /// dropped ones.
    func version(_ found: EventRow?, in interval: WindowInterval, mask: UInt64, knownAt: Int64) -> EntityVersion {
        guard let base, base.pointee.begins(in: interval) || knownAt < base.pointee.newestArrival else {
            return found.map { .event($0) } ?? .none
        }
        if knownAt < base.pointee.newestArrival { return .outsideRetention }
        if let found { return .event(found) }
        guard let dropped = base.pointee.version(mask: mask) else { return .outsideRetention }
        guard dropped.count > 0 else { return .none }
        // Older ones than it are gone.
        guard interval.overlaps(first: dropped.time(at: 0), last: dropped.time(at: 0)) else { return .outsideRetention }
        return .event(EventRow(span: dropped.span(heap), row: 0))
    }

    /// The newest event time before `edge`, `Int64.min` when there is none; and the oldest one at or after it, `Int64.max` when
    /// there is none.
    func neighbours(of edge: Int64) -> (before: Int64, after: Int64) {
        if let tree { return tree.neighbours(of: edge) }
        return leaf.neighbours(of: edge)
    }

    /// The bytes of a string slot that an evaluation has come by.
    func string(_ slot: UInt64) -> UnsafeRawBufferPointer { heap.string(slot) }
}

/// The events that history has dropped of an entity: all of them are older than those that it still has. Microseconds.
public struct DroppedEvents: Hashable, Sendable {
    /// At least 1.
    public var count: Int64
    public var firstTime: Int64
    public var lastTime: Int64
    public var newestArrival: Int64

    /// Whether a window may not be answered: it covers dropped events, or K lies before the arrival of one.
    func isTouched(by interval: WindowInterval, knownAt: Int64) -> Bool {
        knownAt < newestArrival || interval.overlaps(first: firstTime, last: lastTime)
    }
}
