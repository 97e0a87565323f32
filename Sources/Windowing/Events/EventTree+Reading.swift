// Walks over a tree: windows from their newest part on, whole nodes by their tiles; the newest events; the newest one.

extension EventTree {
    /// The newest arrival of all events. Changes nothing: what a stale spine lacks are arrivals of the newest leaf.
    var newestArrival: Int64 {
        max(root.ownSummary?.newestArrival ?? .min, storage.pointee.newest.leaf.newestArrival)
    }

    /// Calls `body` with every leaf that may hold events that arrived in `(after, through]`, oldest first.
    func leaves(arrivedAfter after: Int64, through: Int64, _ body: (EventLeaf) -> Void) {
        refreshSpine()
        root.leaves(arrivedAfter: after, through: through, body)
    }

    /// Calls `body` with the leaves that may hold events from `start` on, oldest first, while it returns true.
    func leaves(from start: EventOrder, while body: (EventLeaf) -> Bool) {
        refreshSpine()
        _ = leaves(of: root, from: start, while: body)
    }

    private func leaves(of node: EventNode, from start: EventOrder, while body: (EventLeaf) -> Bool) -> Bool {
        guard node.level > 0 else { return body(node.leaf) }
        for index in node.childIndex(for: start)..<node.childCount {
            guard leaves(of: node.child(index), from: start, while: body) else { return false }
        }
        return true
    }

    /// Whether any event of `interval`, which has no start, arrived by `knownAt`.
    func hasEvent(in interval: WindowInterval, knownAt: Int64, _ heap: StringHeap) -> Bool {
        refreshSpine()
        return root.hasEvent(in: interval, knownAt: knownAt, heap)
    }

    /// The event times on both sides of an edge.
    func neighbours(of edge: Int64) -> (before: Int64, after: Int64) {
        refreshSpine()
        var (node, before, after) = (root, Int64.min, Int64.max)
        while node.level > 0 {
            // The last child that begins before the edge: all older ones end before it, all newer ones begin at or after it.
            let index = node.childIndex(beginningBefore: edge)
            if index + 1 < node.childCount { after = node.summary(index + 1).first.time }
            if index > 0 { before = node.summary(index - 1).lastTime }
            node = node.child(index)
        }
        let own = node.leaf.neighbours(of: edge)
        return (max(before, own.before), min(after, own.after))
    }

    /// Adds the events of `interval` to an evaluation, the newest part first: whole nodes by their tiles, the rest event by
    /// event.
    func add(_ interval: WindowInterval, to evaluation: WindowEvaluation, _ heap: StringHeap) {
        prepare(evaluation.layout)
        var tileBytes = 0
        add(root, interval, to: evaluation, heap, &tileBytes)
        storage.pointee.tileBytes += tileBytes
    }

    private func add(
        _ node: EventNode,
        _ interval: WindowInterval,
        to evaluation: WindowEvaluation,
        _ heap: StringHeap,
        _ tileBytes: inout Int
    ) {
        guard node.level > 0 else {
            let span = node.leaf.span(heap)
            return evaluation.extend(over: span, interval.rows(of: span))
        }
        var index = node.childCount
        while index > 0 {
            index -= 1
            let below = node.summary(index)
            if interval.startsAfter(below.lastTime) { return }
            guard interval.overlaps(first: below.first.time, last: below.lastTime),
                below.oldestArrival <= evaluation.knownAt
            else { continue }
            if below.newestArrival <= evaluation.knownAt,
                interval.covers(first: below.first.time, last: below.lastTime)
            {
                node.merge(index, into: evaluation, heap, &tileBytes)
            } else {
                add(node.child(index), interval, to: evaluation, heap, &tileBytes)
            }
        }
    }

    /// Adds the newest events of `interval` until none is wanted any more.
    func add(
        _ newest: inout NewestEvents,
        in interval: WindowInterval,
        to evaluation: WindowEvaluation,
        _ heap: StringHeap
    ) {
        prepare(evaluation.layout)
        var tileBytes = 0
        add(&newest, root, interval, to: evaluation, heap, &tileBytes)
        storage.pointee.tileBytes += tileBytes
    }

    private func add(
        _ newest: inout NewestEvents,
        _ node: EventNode,
        _ interval: WindowInterval,
        to evaluation: WindowEvaluation,
        _ heap: StringHeap,
        _ tileBytes: inout Int
    ) {
        guard node.level > 0 else {
            let span = node.leaf.span(heap)
            return newest.add(span, interval.rows(of: span), to: evaluation)
        }
        var index = node.childCount
        while index > 0, newest.wanted > 0 {
            index -= 1
            let below = node.summary(index)
            guard interval.overlaps(first: below.first.time, last: below.lastTime),
                below.oldestArrival <= evaluation.knownAt
            else { continue }
            if below.newestArrival <= evaluation.knownAt,
                interval.covers(first: below.first.time, last: below.lastTime),
                let counted = node.events(index, mask: newest.mask, evaluation.layout, heap, &tileBytes),
                counted.count <= Int64(newest.wanted)
            {
                node.merge(index, into: evaluation, heap, &tileBytes)
                newest.wanted -= Int(counted.count)
                if counted.count > 0 { newest.oldestTime = counted.oldestTime }
            } else {
                add(&newest, node.child(index), interval, to: evaluation, heap, &tileBytes)
            }
        }
    }

    /// The newest event of `interval` that counts. Nodes without one are passed over by what their parents know: their
    /// summary, and with a mask their tile.
    func newest(
        in interval: WindowInterval,
        mask: UInt64,
        knownAt: Int64,
        _ layout: TileLayout,
        _ heap: StringHeap
    ) -> EventRow? {
        if mask == 0 { refreshSpine() } else { prepare(layout) }
        var tileBytes = 0
        let row = newest(root, in: interval, mask: mask, knownAt: knownAt, layout, heap, &tileBytes)
        storage.pointee.tileBytes += tileBytes
        return row
    }

    private func newest(
        _ node: EventNode,
        in interval: WindowInterval,
        mask: UInt64,
        knownAt: Int64,
        _ layout: TileLayout,
        _ heap: StringHeap,
        _ tileBytes: inout Int
    ) -> EventRow? {
        guard node.level > 0 else {
            let span = node.leaf.span(heap)
            return span.newestCounted(in: interval.rows(of: span), mask: mask, knownAt: knownAt).map {
                EventRow(span: span, row: $0)
            }
        }
        var index = node.childCount
        while index > 0 {
            index -= 1
            let below = node.summary(index)
            guard interval.overlaps(first: below.first.time, last: below.lastTime), below.oldestArrival <= knownAt
            else { continue }
            if mask != 0, below.newestArrival <= knownAt,
                interval.covers(first: below.first.time, last: below.lastTime),
                let counted = node.events(index, mask: mask, layout, heap, &tileBytes), counted.count == 0
            {
                continue
            }
            let child = node.child(index)
            if let row = newest(child, in: interval, mask: mask, knownAt: knownAt, layout, heap, &tileBytes) {
                return row
            }
        }
        return nil
    }

    /// Makes the tree ready for a read: the spine knows its events, and tiles are those of the layout.
    private func prepare(_ layout: TileLayout) {
        refreshSpine()
        guard storage.pointee.layout !== layout else { return }
        if storage.pointee.layout.map({ !$0.isSame(as: layout) }) ?? true {
            root.freeTiles()
            storage.pointee.tileBytes = 0
        }
        storage.pointee.layout = layout
    }
}
