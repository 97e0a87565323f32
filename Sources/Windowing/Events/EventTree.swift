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

/// The tree. Not thread-safe. String slots point into the entity's heap, which its owner passes in.
final class EventTree {
    private let shape: TreeShape
    private(set) var root: EventNode
    /// The leaf at the end of the spine, with the order of its last event.
    private var newest: EventNode
    private var newestOrder: EventOrder
    /// Whether events were appended that the spine's nodes do not know of.
    private var isSpineStale = false
    private var layout: TileLayout?
    private var nodeBytes: Int
    private var tileBytes = 0
    var byteCount: Int { nodeBytes + tileBytes }

    /// Takes over a leaf that has become too large for its own good.
    init(_ leaf: EventLeaf, shape: TreeShape) {
        self.shape = shape
        root = EventNode(leaf: leaf)
        newest = root
        newestOrder = leaf.count > 0 ? leaf.order(at: Int(leaf.count) - 1) : .first
        nodeBytes = root.byteCount
    }

    deinit { root.free() }

    // MARK: Changes

    /// Inserts a row of `batch` at its place; false when the event is here already.
    func insert(_ row: Int, of batch: EventBatch, _ heap: inout StringHeap) -> Bool {
        let order = batch.eventOrder(row)
        if newestOrder < order, newest.leaf.count < shape.leafEvents {
            let before = newest.leaf.byteCount
            newest.withLeaf { leaf in
                leaf.insert(row, of: batch, at: Int(leaf.count), capacityMax: shape.leafEvents, &heap)
            }
            nodeBytes += newest.leaf.byteCount - before
            newestOrder = order
            isSpineStale = true
            return true
        }
        refreshSpine()
        guard let sibling = insert(row, of: batch, order, into: root, &heap) else { return false }
        if let sibling = sibling.node { root = makeNode(level: root.level + 1, [root, sibling]) }
        if newestOrder < order { newestOrder = order }
        newest = root
        while newest.level > 0 { newest = newest.child(newest.childCount - 1) }
        return true
    }

    private struct Sibling { var node: EventNode? }

    /// - Returns: nil when the event is here already; else the node that was split off to the right, if one was.
    private func insert(
        _ row: Int,
        of batch: EventBatch,
        _ order: EventOrder,
        into node: EventNode,
        _ heap: inout StringHeap
    ) -> Sibling? {
        if node.level == 0 { return insertIntoLeaf(row, of: batch, order, node, &heap) }
        let place = node.childIndex(for: order)
        guard let below = insert(row, of: batch, order, into: node.child(place), &heap) else { return nil }
        node.forgetTile()
        guard let child = below.node else {
            node.refresh(place)
            return Sibling(node: nil)
        }
        node.refresh(place)
        if node.childCount < shape.children {
            node.insert(child, at: place + 1)
            return Sibling(node: nil)
        }
        // Where time grows at the end nodes stay full; a node that is hit in the middle is halved to make room.
        let isAtEnd = place + 1 == node.childCount
        let sibling = makeNode(level: node.level, isAtEnd ? [] : node.removeChildren(from: node.childCount / 2))
        if isAtEnd {
            sibling.insert(child, at: 0)
            node.refreshAll()
        } else if place < node.childCount {
            node.insert(child, at: place + 1)
        } else {
            sibling.insert(child, at: place + 1 - node.childCount)
        }
        return Sibling(node: sibling)
    }

    private func insertIntoLeaf(
        _ row: Int,
        of batch: EventBatch,
        _ order: EventOrder,
        _ node: EventNode,
        _ heap: inout StringHeap
    ) -> Sibling? {
        let index = node.leaf.insertionIndex(order)
        let count = Int(node.leaf.count)
        if index < count, node.leaf.order(at: index) == order { return nil }
        node.forgetTile()
        let before = node.leaf.byteCount
        defer { nodeBytes += node.leaf.byteCount - before }
        guard count >= shape.leafEvents else {
            node.withLeaf { $0.insert(row, of: batch, at: index, capacityMax: shape.leafEvents, &heap) }
            return Sibling(node: nil)
        }
        let cut = index == count ? count : count / 2
        var right = node.withLeaf { $0.split(at: cut) }
        if index <= cut, index < count {
            node.withLeaf { $0.insert(row, of: batch, at: index, capacityMax: shape.leafEvents, &heap) }
        } else {
            right.insert(row, of: batch, at: index - cut, capacityMax: shape.leafEvents, &heap)
        }
        let sibling = EventNode(leaf: right)
        nodeBytes += sibling.byteCount
        return Sibling(node: sibling)
    }

    private func makeNode(level: Int, _ children: [EventNode]) -> EventNode {
        let node = EventNode(level: level, children, capacity: shape.children)
        nodeBytes += node.byteCount
        return node
    }

    /// Tells the spine's nodes about the events that were appended to the newest leaf.
    private func refreshSpine() {
        guard isSpineStale else { return }
        isSpineStale = false
        newest.forgetTile()
        refreshLast(root)
    }

    private func refreshLast(_ node: EventNode) {
        guard node.level > 0 else { return }
        refreshLast(node.child(node.childCount - 1))
        node.forgetTile()
        node.refresh(node.childCount - 1)
    }

    /// Drops the events that arrived up to `arrival` and builds the tree anew from what is left.
    ///
    /// - Returns: how many are left.
    func removeArrivals(through arrival: Int64) -> Int {
        refreshSpine()
        var kept: [EventNode] = []
        root.takeLeaves { leaf in
            var leaf = leaf
            if leaf.oldestArrival <= arrival { leaf.removeArrivals(through: arrival) }
            if leaf.count > 0 { kept.append(EventNode(leaf: leaf)) } else { leaf.free() }
        }
        nodeBytes = kept.reduce(0) { $0 + $1.byteCount }
        tileBytes = 0
        guard let last = kept.last else {
            root = EventNode(leaf: EventLeaf(columnCount: 0))
            newest = root
            newestOrder = .first
            return 0
        }
        newest = last
        newestOrder = last.leaf.order(at: Int(last.leaf.count) - 1)
        var level = kept
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: shape.children).map { start in
                makeNode(level: level[start].level + 1, Array(level[start..<min(level.count, start + shape.children)]))
            }
        }
        root = level[0]
        return kept.reduce(0) { $0 + Int($1.leaf.count) }
    }

    // MARK: Reading

    /// The newest arrival of all events.
    var newestArrival: Int64 {
        refreshSpine()
        return root.newestArrival
    }

    /// Calls `body` with every leaf that may hold events that arrived in `(after, through]`, oldest first.
    func leaves(arrivedAfter after: Int64, through: Int64, _ body: (EventLeaf) -> Void) {
        refreshSpine()
        root.leaves(arrivedAfter: after, through: through, body)
    }

    /// Whether any event of `interval`, which has no start, arrived by `knownAt`.
    func hasEvent(in interval: WindowInterval, knownAt: Int64) -> Bool {
        refreshSpine()
        return root.hasEvent(in: interval, knownAt: knownAt)
    }

    /// Adds the events of `interval` to an evaluation, the newest part first: whole nodes by their tiles, the rest event by
    /// event.
    func add(_ interval: WindowInterval, to evaluation: WindowEvaluation, _ heap: StringHeap) {
        refreshSpine()
        if layout !== evaluation.layout {
            if layout.map({ !$0.isSame(as: evaluation.layout) }) ?? true {
                root.freeTiles()
                tileBytes = 0
            }
            layout = evaluation.layout
        }
        add(root, interval, to: evaluation, heap)
    }

    private func add(
        _ node: EventNode,
        _ interval: WindowInterval,
        to evaluation: WindowEvaluation,
        _ heap: StringHeap
    ) {
        guard interval.overlaps(first: node.firstTime, last: node.lastTime), node.oldestArrival <= evaluation.knownAt
        else { return }
        if node.newestArrival <= evaluation.knownAt, interval.covers(first: node.firstTime, last: node.lastTime) {
            evaluation.merge(older: node.filledTile(evaluation.columns, evaluation.layout, heap, &tileBytes))
        } else if node.level == 0 {
            evaluation.extend(over: node.leaf.span(heap), interval)
        } else {
            for index in (0..<node.childCount).reversed() { add(node.child(index), interval, to: evaluation, heap) }
        }
    }
}
