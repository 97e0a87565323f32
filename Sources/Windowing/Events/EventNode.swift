// A node of an `EventTree`: a leaf of events, or up to some children with what is known about each.
//
//   level 0    leaf        | events |
//   level > 0  children    | node | node | ...
//              summaries   | first order, last time, oldest and newest arrival | ... one a child
//              tiles       | states of child 0 | states of child 1 | ...          filled when a read needs them
//
// What is known about a child stands in its parent, side by side: a read comes by the children that it passes over
// without touching them. A node is a reference to memory that the tree owns and frees; copying it copies the reference.

import FeatureModel

/// What a parent knows about all events below one child.
struct NodeSummary {
    var first: EventOrder
    var lastTime: Int64
    var oldestArrival: Int64
    /// The latest instant at which one of them arrived or became a duplicate.
    var newestArrival: Int64
}

struct EventNode {
    private let storage: UnsafeMutablePointer<Storage>

    private struct Storage {
        var level: Int32
        var childCount: Int32 = 0
        var leaf: EventLeaf
        var children: UnsafeMutablePointer<EventNode>?
        var summaries: UnsafeMutablePointer<NodeSummary>?
        var capacity: Int32 = 0
        var tiles = ChildTiles()
    }

    init(leaf: EventLeaf) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(level: 0, leaf: leaf))
    }

    init(level: Int, _ children: [EventNode], capacity: Int) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(level: Int32(truncatingIfNeeded: level), leaf: EventLeaf(columnCount: 0)))
        storage.pointee.children = .allocate(capacity: capacity)
        storage.pointee.summaries = .allocate(capacity: capacity)
        storage.pointee.capacity = Int32(truncatingIfNeeded: capacity)
        for child in children { insert(child, at: childCount) }
    }

    @inline(__always) var level: Int { Int(storage.pointee.level) }
    @inline(__always) var childCount: Int { Int(storage.pointee.childCount) }
    var leaf: EventLeaf { storage.pointee.leaf }

    /// Without what lies below, and without tiles.
    var byteCount: Int {
        let each = MemoryLayout<EventNode>.stride + MemoryLayout<NodeSummary>.stride
        return MemoryLayout<Storage>.size + leaf.byteCount + Int(storage.pointee.capacity) * each
    }

    @inline(__always)
    func withLeaf<R>(_ body: (inout EventLeaf) -> R) -> R { body(&storage.pointee.leaf) }

    @inline(__always)
    func child(_ index: Int) -> EventNode { storage.pointee.children.unsafelyUnwrapped[index] }

    @inline(__always)
    func summary(_ index: Int) -> NodeSummary { storage.pointee.summaries.unsafelyUnwrapped[index] }

    /// What this node's parent should know; nil when there are no events.
    var ownSummary: NodeSummary? {
        if level == 0 {
            guard leaf.count > 0 else { return nil }
            return NodeSummary(
                first: leaf.order(at: 0),
                lastTime: leaf.time(at: Int(leaf.count) - 1),
                oldestArrival: leaf.oldestArrival,
                newestArrival: leaf.newestArrival
            )
        }
        guard childCount > 0 else { return nil }
        var all = summary(0)
        all.lastTime = summary(childCount - 1).lastTime
        for index in 1..<max(1, childCount) {
            all.oldestArrival = min(all.oldestArrival, summary(index).oldestArrival)
            all.newestArrival = max(all.newestArrival, summary(index).newestArrival)
        }
        return all
    }

    /// The child that an event of this order belongs to: the last one that starts at or before it.
    func childIndex(for order: EventOrder) -> Int {
        let summaries = storage.pointee.summaries.unsafelyUnwrapped
        var low = 1
        var high = childCount
        while low < high {
            let middle = (low + high) / 2
            if order < summaries[middle].first { high = middle } else { low = middle + 1 }
        }
        return low - 1
    }

    /// The last child whose first event time lies before `edge`; the first child when there is none.
    func childIndex(beginningBefore edge: Int64) -> Int {
        let summaries = storage.pointee.summaries.unsafelyUnwrapped
        var low = 1
        var high = childCount
        while low < high {
            let middle = (low + high) / 2
            if summaries[middle].first.time < edge { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    // MARK: Children

    /// A new child; nothing is known about it yet, so no tile is forgotten.
    func insert(_ child: EventNode, at index: Int) {
        let children = storage.pointee.children.unsafelyUnwrapped
        let summaries = storage.pointee.summaries.unsafelyUnwrapped
        let moved = childCount - index
        if moved > 0 {
            (children + index + 1).update(from: children + index, count: moved)
            (summaries + index + 1).update(from: summaries + index, count: moved)
        }
        storage.pointee.tiles.insert(at: index, count: childCount)
        children[index] = child
        storage.pointee.childCount += 1
        _ = refresh(index)
    }

    /// Moves the children from `index` on to the end of `other`, without their tiles.
    ///
    /// - Returns: the bytes that the tiles gave back.
    func moveChildren(from index: Int, to other: EventNode) -> Int {
        var freed = 0
        for moved in index..<childCount {
            other.insert(child(moved), at: other.childCount)
            freed += storage.pointee.tiles.forget(moved)
        }
        storage.pointee.childCount = Int32(truncatingIfNeeded: index)
        return freed
    }

    /// Takes over what changed below a child, and forgets its tile.
    ///
    /// - Returns: the bytes that the tile gave back.
    func refresh(_ index: Int) -> Int {
        if let summary = child(index).ownSummary { storage.pointee.summaries.unsafelyUnwrapped[index] = summary }
        return storage.pointee.tiles.forget(index)
    }

    /// Takes over that one event came in below a child, and forgets its tile.
    ///
    /// - Parameter newest: its arrival, or when it became a duplicate if that is later.
    /// - Returns: the bytes that the tile gave back.
    @inline(__always)
    func note(_ order: EventOrder, arrival: Int64, newest: Int64, below index: Int) -> Int {
        let summary = storage.pointee.summaries.unsafelyUnwrapped + index
        if order < summary.pointee.first { summary.pointee.first = order }
        if order.time > summary.pointee.lastTime { summary.pointee.lastTime = order.time }
        if arrival < summary.pointee.oldestArrival { summary.pointee.oldestArrival = arrival }
        if newest > summary.pointee.newestArrival { summary.pointee.newestArrival = newest }
        return storage.pointee.tiles.forget(index)
    }

    // MARK: Walks

    func leaves(arrivedAfter after: Int64, through: Int64, _ body: (EventLeaf) -> Void) {
        guard level > 0 else { return body(leaf) }
        for index in 0..<childCount
        where summary(index).newestArrival > after && summary(index).oldestArrival <= through {
            child(index).leaves(arrivedAfter: after, through: through, body)
        }
    }

    /// The event time of the oldest event that does not have both time and arrival before `horizon`; nil when all do.
    func firstKept(before horizon: Int64) -> Int64? {
        if level == 0 { return leaf.firstKept(before: horizon) }
        for index in 0..<childCount {
            if let time = child(index).firstKept(before: horizon) { return time }
        }
        return nil
    }

    /// Whether any event of `interval` arrived by `knownAt`. `interval` has no start.
    func hasEvent(in interval: WindowInterval, knownAt: Int64, _ heap: StringHeap) -> Bool {
        guard level > 0 else {
            let span = leaf.span(heap)
            return interval.rows(of: span).contains { span.arrivals[$0] <= knownAt }
        }
        for index in 0..<childCount {
            let below = summary(index)
            guard interval.overlaps(first: below.first.time, last: below.lastTime) else { return false }
            guard below.oldestArrival <= knownAt else { continue }
            // The first event lies in the interval; or all do, and the one that arrived first is known.
            if below.newestArrival <= knownAt || interval.covers(first: below.first.time, last: below.lastTime) {
                return true
            }
            if child(index).hasEvent(in: interval, knownAt: knownAt, heap) { return true }
        }
        return false
    }

    // MARK: Tiles

    /// Frees the tiles here and below: the states that they hold are no longer those that are asked for.
    func freeTiles() {
        storage.pointee.tiles.free()
        for index in 0..<childCount { child(index).freeTiles() }
    }

    /// Adds all events below a child to an evaluation, from its tile.
    ///
    /// - Parameter bytes: grows by what new tiles take.
    @inline(__always)
    func merge(_ index: Int, into evaluation: WindowEvaluation, _ heap: StringHeap, _ bytes: inout Int) {
        for slot in 0..<evaluation.columns.count {
            let column = evaluation.columns[slot]
            let state = filledColumn(index, column.place, evaluation.layout, heap, &bytes)
            evaluation.states[slot].merge(older: state.pointee, column.column.kind)
        }
        for slot in 0..<evaluation.functions.count {
            let state = filledFunction(index, evaluation.functions[slot].place, evaluation.layout, heap, &bytes)
            evaluation.functionStates[slot].merge(older: state.pointee)
        }
    }

    /// How many events below a child belong (see `NewestEvents`), and when the oldest of them was.
    func events(
        _ index: Int,
        mask: UInt64,
        _ layout: TileLayout,
        _ heap: StringHeap,
        _ bytes: inout Int
    ) -> (count: Int64, oldestTime: Int64)? {
        guard let place = layout.events(mask: mask) else { return nil }
        let state = filledColumn(index, place, layout, heap, &bytes)
        return (state.pointee.count, state.pointee.oldestTime)
    }

    @inline(__always)
    private func filledColumn(
        _ index: Int,
        _ place: Int,
        _ layout: TileLayout,
        _ heap: StringHeap,
        _ bytes: inout Int
    ) -> UnsafePointer<ColumnAccumulator> {
        if !storage.pointee.tiles.columns.isFilled(index, place) { fillColumn(index, place, layout, heap, &bytes) }
        return storage.pointee.tiles.columns.state(index, place)
    }

    private func fillColumn(_ index: Int, _ place: Int, _ layout: TileLayout, _ heap: StringHeap, _ bytes: inout Int) {
        let column = layout.columns[place]
        let child = self.child(index)
        var state = ColumnAccumulator()
        if child.level == 0 {
            let span = child.leaf.span(heap)
            state.extend(over: span, column, parts: column.parts, range: 0..<span.count, knownAt: .max)
        } else {
            for below in (0..<child.childCount).reversed() {
                state.merge(older: child.filledColumn(below, place, layout, heap, &bytes).pointee, column.kind)
            }
        }
        let capacity = Int(storage.pointee.capacity)
        bytes += storage.pointee.tiles.columns.set(
            index,
            place,
            state,
            capacity: capacity,
            placeCount: layout.columns.count
        )
    }

    @inline(__always)
    private func filledFunction(
        _ index: Int,
        _ place: Int,
        _ layout: TileLayout,
        _ heap: StringHeap,
        _ bytes: inout Int
    ) -> UnsafePointer<FunctionState> {
        if !storage.pointee.tiles.functions.isFilled(index, place) { fillFunction(index, place, layout, heap, &bytes) }
        return storage.pointee.tiles.functions.state(index, place)
    }

    private func fillFunction(
        _ index: Int,
        _ place: Int,
        _ layout: TileLayout,
        _ heap: StringHeap,
        _ bytes: inout Int
    ) {
        let function = layout.functions[place]
        let column = layout.columns[function.column]
        let child = self.child(index)
        var state = FunctionState(function.kind, column.kind)
        if child.level == 0 {
            let span = child.leaf.span(heap)
            state.extend(over: span, column, range: 0..<span.count, knownAt: .max)
        } else {
            for below in (0..<child.childCount).reversed() {
                state.merge(older: child.filledFunction(below, place, layout, heap, &bytes).pointee)
            }
        }
        let capacity = Int(storage.pointee.capacity)
        bytes += storage.pointee.tiles.functions.set(
            index,
            place,
            state,
            capacity: capacity,
            placeCount: layout.functions.count
        )
    }

    // MARK: The end

    /// Frees this node and everything below.
    func free() {
        for index in 0..<childCount { child(index).free() }
        withLeaf { $0.free() }
        release()
    }

    /// Hands the leaves over, oldest first, and frees the nodes.
    func takeLeaves(_ body: (EventLeaf) -> Void) {
        if level == 0 { body(leaf) }
        for index in 0..<childCount { child(index).takeLeaves(body) }
        release()
    }

    private func release() {
        storage.pointee.tiles.free()
        storage.pointee.children?.deallocate()
        storage.pointee.summaries?.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }
}
