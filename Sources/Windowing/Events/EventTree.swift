// One busy entity's events: an ordered tree of leaves, with aggregates of what lies below in its nodes.
//
//                      [ node: up to 16 children, tile ]
//                     /               |                \
//            [ node, tile ]    [ node, tile ]    [ node, tile ]          <- the spine: the path to the newest leaf
//             /    |    \          / | \             / |   \
//          leaf  leaf  leaf       ...              ...    [ leaf ]       <- in-order events are appended here
//
//   window [from, to):      | part of a leaf | whole nodes: their tiles | part of a leaf |
//
// A tile is filled when a read first needs it and forgotten when an event below changes it, so ingest pays for no
// aggregate. An append in order touches the newest leaf only; what the spine's nodes say about it is put right before
// the next read. After FiBA (Tangwongsan, Hirzel, Schneider, "Optimal and general out-of-order sliding-window
// aggregation", VLDB 2019), with filling put off to the reader.

/// How large the parts of a tree may grow. Only tests ask for another shape than the standard one.
public struct TreeShape: Hashable, Sendable {
    public var leafEvents: Int
    public var children: Int

    /// An edge of a window scans half a leaf; a walk merges about half the children of a node on each level.
    public static let standard = TreeShape(leafEvents: 128, children: 16)

    public init(leafEvents: Int, children: Int) {
        self.leafEvents = max(2, leafEvents)
        self.children = max(3, children)
    }
}

/// The tree. Not thread-safe. String slots point into the entity's heap, which its owner passes in. A reference to memory
/// that must be `free`d by its owner; copying it copies the reference.
struct EventTree {
    let storage: UnsafeMutablePointer<Storage>

    struct Storage {
        var root: EventNode
        /// The leaf at the end of the spine, with the order of its last event.
        var newest: EventNode
        var newestOrder: EventOrder
        /// Whether events were appended that the spine's nodes do not know of.
        var isSpineStale = false
        /// What the tiles hold.
        var layout: TileLayout?
        var nodeBytes: Int
        var tileBytes = 0
        let shape: TreeShape
    }

    /// Takes over a leaf that has become too large for its own good.
    init(_ leaf: EventLeaf, shape: TreeShape) {
        storage = .allocate(capacity: 1)
        let root = EventNode(leaf: leaf)
        storage.initialize(
            to: Storage(
                root: root,
                newest: root,
                newestOrder: leaf.count > 0 ? leaf.order(at: Int(leaf.count) - 1) : .first,
                nodeBytes: root.byteCount,
                shape: shape
            )
        )
    }

    func free() {
        root.free()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    var root: EventNode { storage.pointee.root }
    var byteCount: Int { storage.pointee.nodeBytes + storage.pointee.tileBytes }
    private var shape: TreeShape { storage.pointee.shape }

    // MARK: Changes

    /// Puts a row behind all events, where that takes no memory; see `EntityEvents.appendInPlace`.
    @inline(__always)
    func appendInPlace(_ row: BatchRow) -> Bool {
        let order = row.order
        guard storage.pointee.newestOrder < order,
            storage.pointee.newest.withLeaf({ $0.appendInPlace(row, isInOrder: true) })
        else { return false }
        storage.pointee.newestOrder = order
        storage.pointee.isSpineStale = true
        return true
    }

    /// For warming the cache: reads where an append in order would write.
    func touchEnd() -> Int { storage.pointee.newest.withLeaf { $0.touchEnd() } }

    /// Inserts a row at its place; false when the event is here already.
    func insert(_ row: BatchRow, duplicateSince: Int64, _ heap: inout StringHeap) -> Bool {
        let order = row.order
        if storage.pointee.newestOrder < order {
            storage.pointee.newestOrder = order
            if storage.pointee.newest.leaf.count < shape.leafEvents {
                let before = storage.pointee.newest.leaf.byteCount
                storage.pointee.newest.withLeaf { leaf in
                    leaf.insert(
                        row,
                        at: Int(leaf.count),
                        duplicateSince: duplicateSince,
                        capacityMax: shape.leafEvents,
                        &heap
                    )
                }
                storage.pointee.nodeBytes += storage.pointee.newest.leaf.byteCount - before
                storage.pointee.isSpineStale = true
                return true
            }
        }
        switch insert(row, order, duplicateSince, into: root, &heap) {
        case .present: return false
        case .inserted: return true
        case .split(let sibling): storage.pointee.root = makeNode(level: root.level + 1, [root, sibling])
        case .splitBelow: break
        }
        var newest = root
        while newest.level > 0 { newest = newest.child(newest.childCount - 1) }
        storage.pointee.newest = newest
        return true
    }

    private enum Insertion {
        /// The event was here already.
        case present
        case inserted
        /// A node below was split, and its parent had room.
        case splitBelow
        /// The node was split; its new right neighbour.
        case split(EventNode)
    }

    private func insert(
        _ row: BatchRow,
        _ order: EventOrder,
        _ duplicateSince: Int64,
        into node: EventNode,
        _ heap: inout StringHeap
    ) -> Insertion {
        if node.level == 0 { return insertIntoLeaf(row, order, duplicateSince, node, &heap) }
        let place = node.childIndex(for: order)
        let below = insert(row, order, duplicateSince, into: node.child(place), &heap)
        switch below {
        case .present: return .present
        case .inserted, .splitBelow:
            let arrival = row.arrival
            let newest = duplicateSince < .max ? max(arrival, duplicateSince) : arrival
            storage.pointee.tileBytes -= node.note(order, arrival: arrival, newest: newest, below: place)
            return below
        case .split(let child):
            storage.pointee.tileBytes -= node.refresh(place)
            guard node.childCount >= shape.children else {
                node.insert(child, at: place + 1)
                return .splitBelow
            }
            return .split(split(node, adding: child, at: place + 1))
        }
    }

    /// Splits a full node to make room for one more child. Where time grows at the end nodes stay full; a node that is hit
    /// in the middle is halved.
    private func split(_ node: EventNode, adding child: EventNode, at place: Int) -> EventNode {
        let sibling = makeNode(level: node.level, [])
        if place == node.childCount {
            sibling.insert(child, at: 0)
            return sibling
        }
        storage.pointee.tileBytes -= node.moveChildren(from: node.childCount / 2, to: sibling)
        if place <= node.childCount {
            node.insert(child, at: place)
        } else {
            sibling.insert(child, at: place - node.childCount)
        }
        return sibling
    }

    private func insertIntoLeaf(
        _ row: BatchRow,
        _ order: EventOrder,
        _ duplicateSince: Int64,
        _ node: EventNode,
        _ heap: inout StringHeap
    ) -> Insertion {
        let index = node.leaf.insertionIndex(order)
        let count = Int(node.leaf.count)
        if index < count, node.leaf.order(at: index) == order { return .present }
        let before = node.leaf.byteCount
        defer { storage.pointee.nodeBytes += node.leaf.byteCount - before }
        func insert(into leaf: inout EventLeaf, at index: Int) {
            leaf.insert(
                row,
                at: index,
                duplicateSince: duplicateSince,
                capacityMax: shape.leafEvents,
                &heap
            )
        }
        guard count >= shape.leafEvents else {
            node.withLeaf { insert(into: &$0, at: index) }
            return .inserted
        }
        let cut = index == count ? count : count / 2
        var right = node.withLeaf { $0.split(at: cut) }
        if index <= cut, index < count {
            node.withLeaf { insert(into: &$0, at: index) }
        } else {
            insert(into: &right, at: index - cut)
        }
        let sibling = EventNode(leaf: right)
        storage.pointee.nodeBytes += sibling.byteCount
        return .split(sibling)
    }

    private func makeNode(level: Int, _ children: [EventNode]) -> EventNode {
        let node = EventNode(level: level, children, capacity: shape.children)
        storage.pointee.nodeBytes += node.byteCount
        return node
    }

    /// Tells the spine's nodes about the events that were appended to the newest leaf.
    func refreshSpine() {
        guard storage.pointee.isSpineStale else { return }
        storage.pointee.isSpineStale = false
        refreshLast(root)
    }

    private func refreshLast(_ node: EventNode) {
        guard node.level > 0 else { return }
        refreshLast(node.child(node.childCount - 1))
        storage.pointee.tileBytes -= node.refresh(node.childCount - 1)
    }

    /// Drops the events that arrived up to `arrival` and builds the tree anew from what is left.
    ///
    /// - Returns: how many are left.
    func removeArrivals(through arrival: Int64) -> Int {
        rebuild { leaf in
            if leaf.oldestArrival <= arrival { leaf.removeArrivals(through: arrival) }
        }
    }

    /// Drops the oldest events as long as both their event time and their arrival lie before `horizon`, and their event time
    /// before `end`.
    ///
    /// - Parameter body: gets the events of a leaf and how many of them, from the first on, are about to go.
    /// - Returns: how many are left; nil when nothing is to be dropped.
    func drop(before horizon: Int64, end: Int64, _ body: (EventLeaf, _ rows: Int) -> Void) -> Int? {
        var oldest = root
        while oldest.level > 0 { oldest = oldest.child(0) }
        guard oldest.leaf.droppable(before: horizon, end: end) > 0 else { return nil }
        var isDone = false
        return rebuild { leaf in
            if isDone { return }
            let rows = leaf.droppable(before: horizon, end: end)
            isDone = rows < Int(leaf.count)
            guard rows > 0 else { return }
            body(leaf, rows)
            leaf.removeFirst(rows)
        }
    }

    /// Changes leaves, oldest first, and builds the tree anew from those that still hold events.
    ///
    /// - Returns: how many events are left.
    private func rebuild(_ change: (inout EventLeaf) -> Void) -> Int {
        refreshSpine()
        var kept: [EventNode] = []
        root.takeLeaves { leaf in
            var leaf = leaf
            change(&leaf)
            if leaf.count > 0 { kept.append(EventNode(leaf: leaf)) } else { leaf.free() }
        }
        storage.pointee.nodeBytes = kept.reduce(0) { $0 + $1.byteCount }
        storage.pointee.tileBytes = 0
        guard let last = kept.last else {
            storage.pointee.root = EventNode(leaf: EventLeaf(columnCount: 0))
            storage.pointee.newest = root
            storage.pointee.newestOrder = .first
            return 0
        }
        storage.pointee.newest = last
        storage.pointee.newestOrder = last.leaf.order(at: Int(last.leaf.count) - 1)
        var level = kept
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: shape.children).map { start in
                makeNode(level: level[start].level + 1, Array(level[start..<min(level.count, start + shape.children)]))
            }
        }
        storage.pointee.root = level[0]
        return kept.reduce(0) { $0 + Int($1.leaf.count) }
    }
}
