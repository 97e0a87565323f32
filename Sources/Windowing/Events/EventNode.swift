// A node of an `EventTree`: a leaf of events, or up to some children, with what is known about all events below.
//
//   level 0    leaf          | events |
//   level > 0  children      | node | node | ...     starts | order of the first event below each child | ...
//
// A reference to memory that the tree owns and frees; copying it copies the reference.

import FeatureModel

struct EventNode {
    private let storage: UnsafeMutablePointer<Storage>

    private struct Storage {
        var level: Int32
        var childCount: Int32 = 0
        var leaf: EventLeaf
        var children: UnsafeMutablePointer<EventNode>?
        var starts: UnsafeMutablePointer<EventOrder>?
        var capacity: Int32 = 0
        var lastTime: Int64 = .min
        var oldestArrival: Int64 = .max
        var newestArrival: Int64 = .min
        var tile = Tile()
    }

    init(leaf: EventLeaf) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(level: 0, leaf: leaf))
    }

    init(level: Int, _ children: [EventNode], capacity: Int) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(level: Int32(truncatingIfNeeded: level), leaf: EventLeaf(columnCount: 0)))
        storage.pointee.children = .allocate(capacity: capacity)
        storage.pointee.starts = .allocate(capacity: capacity)
        storage.pointee.capacity = Int32(truncatingIfNeeded: capacity)
        for child in children { insert(child, at: childCount) }
    }

    var level: Int { Int(storage.pointee.level) }
    var childCount: Int { Int(storage.pointee.childCount) }
    var leaf: EventLeaf { storage.pointee.leaf }

    /// Without what lies below, and without the tile.
    var byteCount: Int {
        MemoryLayout<Storage>.size + leaf.byteCount
            + Int(storage.pointee.capacity) * (MemoryLayout<EventNode>.size + MemoryLayout<EventOrder>.size)
    }

    @inline(__always)
    func withLeaf<R>(_ body: (inout EventLeaf) -> R) -> R { body(&storage.pointee.leaf) }

    @inline(__always)
    func child(_ index: Int) -> EventNode { storage.pointee.children.unsafelyUnwrapped[index] }

    // MARK: What lies below

    /// The order of the first event; a node is never empty but while it is made.
    private var firstOrder: EventOrder {
        level == 0 ? storage.pointee.leaf.order(at: 0) : storage.pointee.starts.unsafelyUnwrapped[0]
    }

    var firstTime: Int64 {
        if level == 0 { return storage.pointee.leaf.count > 0 ? storage.pointee.leaf.time(at: 0) : .max }
        return storage.pointee.starts.unsafelyUnwrapped[0].time
    }

    var lastTime: Int64 {
        guard level == 0 else { return storage.pointee.lastTime }
        let count = Int(storage.pointee.leaf.count)
        return count > 0 ? storage.pointee.leaf.time(at: count - 1) : .min
    }

    var oldestArrival: Int64 { level == 0 ? storage.pointee.leaf.oldestArrival : storage.pointee.oldestArrival }
    var newestArrival: Int64 { level == 0 ? storage.pointee.leaf.newestArrival : storage.pointee.newestArrival }

    /// The child that an event of this order belongs to: the last one that starts at or before it.
    func childIndex(for order: EventOrder) -> Int {
        let starts = storage.pointee.starts.unsafelyUnwrapped
        var low = 1
        var high = childCount
        while low < high {
            let middle = (low + high) / 2
            if order < starts[middle] { high = middle } else { low = middle + 1 }
        }
        return low - 1
    }

    // MARK: Children

    func insert(_ child: EventNode, at index: Int) {
        let children = storage.pointee.children.unsafelyUnwrapped
        let starts = storage.pointee.starts.unsafelyUnwrapped
        let moved = childCount - index
        if moved > 0 {
            (children + index + 1).update(from: children + index, count: moved)
            (starts + index + 1).update(from: starts + index, count: moved)
        }
        children[index] = child
        storage.pointee.childCount += 1
        refresh(index)
    }

    /// Takes the children from `index` on away; what the node says about itself is put right.
    func removeChildren(from index: Int) -> [EventNode] {
        let removed = (index..<childCount).map(child)
        storage.pointee.childCount = Int32(truncatingIfNeeded: index)
        refreshAll()
        return removed
    }

    /// Takes over what every child says, after events have left for another node.
    func refreshAll() {
        storage.pointee.lastTime = .min
        storage.pointee.oldestArrival = .max
        storage.pointee.newestArrival = .min
        for index in 0..<childCount { refresh(index) }
    }

    /// Takes over what was added below a child.
    func refresh(_ index: Int) {
        let child = self.child(index)
        storage.pointee.starts.unsafelyUnwrapped[index] = child.firstOrder
        storage.pointee.lastTime = max(storage.pointee.lastTime, child.lastTime)
        storage.pointee.oldestArrival = min(storage.pointee.oldestArrival, child.oldestArrival)
        storage.pointee.newestArrival = max(storage.pointee.newestArrival, child.newestArrival)
    }

    // MARK: Walks

    func leaves(arrivedAfter after: Int64, through: Int64, _ body: (EventLeaf) -> Void) {
        guard newestArrival > after, oldestArrival <= through else { return }
        guard level > 0 else { return body(leaf) }
        for index in 0..<childCount { child(index).leaves(arrivedAfter: after, through: through, body) }
    }

    /// Whether any event of `interval` arrived by `knownAt`. `interval` has no start.
    func hasEvent(in interval: WindowInterval, knownAt: Int64) -> Bool {
        guard interval.overlaps(first: firstTime, last: lastTime), oldestArrival <= knownAt else { return false }
        // The first event lies in the interval; or all do, and the one that arrived first is known.
        if newestArrival <= knownAt || interval.covers(first: firstTime, last: lastTime) { return true }
        guard level > 0 else {
            let times = 0..<Int(leaf.count)
            return times.contains { interval.contains(Instant(microseconds: leaf.time(at: $0))) && leaf.arrival(at: $0) <= knownAt }
        }
        return (0..<childCount).contains { child($0).hasEvent(in: interval, knownAt: knownAt) }
    }

    // MARK: Tiles

    /// Forgets what the tile holds: an event below has changed it.
    func forgetTile() { storage.pointee.tile.forget() }

    /// Frees the tiles here and below: the states that they hold are no longer those that are asked for.
    func freeTiles() {
        storage.pointee.tile.free()
        for index in 0..<childCount { child(index).freeTiles() }
    }

    /// The tile, with the states that `wanted` asks for filled.
    ///
    /// - Parameter bytes: grows by what new tiles take.
    func filledTile(_ wanted: [WindowPlan.Column], _ layout: TileLayout, _ heap: StringHeap, _ bytes: inout Int) -> Tile {
        for column in wanted where !storage.pointee.tile.isFilled(column.place) { fill(column.place, layout, heap, &bytes) }
        return storage.pointee.tile
    }

    private func fill(_ place: Int, _ layout: TileLayout, _ heap: StringHeap, _ bytes: inout Int) {
        let column = layout.columns[place]
        var state = ColumnAccumulator()
        if level == 0 {
            let span = leaf.span(heap)
            state.extend(over: span, column, parts: column.parts, range: 0..<span.count, knownAt: .max)
        } else {
            for index in (0..<childCount).reversed() {
                let child = self.child(index)
                if !child.storage.pointee.tile.isFilled(place) { child.fill(place, layout, heap, &bytes) }
                state.merge(older: child.storage.pointee.tile[place], column.kind)
            }
        }
        bytes += storage.pointee.tile.set(place, state, count: layout.columns.count)
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
        storage.pointee.tile.free()
        storage.pointee.children?.deallocate()
        storage.pointee.starts?.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }
}
