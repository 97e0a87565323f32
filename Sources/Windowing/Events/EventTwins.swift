// Producer duplicates: of the events of one entity with equal event time and `event_id`, the one with the least position that
// is known at K counts. Nothing is removed; each event says since when it is a duplicate:
//
//   position    p1       p2       p3           same time, same id
//   arrival     7        3        9
//   since       -        7        3            the least arrival among those before it
//   at K = 5             counts                known: p2
//   at K = 8    counts                         known: p1, p2
//
// `since` is a slot of the mark's column, whose null bit says that there is one. It depends on the set of events alone, so it is
// the same in whatever order they come together: from leaves, from a tail, from the journal. An event counts at K when it
// arrived by K and K < since; at the newest K when the mark is not null, which is what tiles and bases are filled by.

import FeatureModel

/// An event that is about to be inserted, on its way past those of the same instant.
struct EventTwins {
    private let order: EventOrder
    private let arrival: Int64
    private let columns: EventIDColumns
    private let batch: EventBatch
    /// A number's bits, or where the batch has the string.
    private let slot: UInt64
    /// nil: ids are numbers.
    private let byteCount: Int?
    /// Since when it is a duplicate, by those that it has met; `Int64.max`: not at all.
    private(set) var since: Int64 = .max

    /// nil when it cannot have duplicates: without an id there are none.
    init?(_ row: Int, of batch: EventBatch) {
        guard let columns = batch.eventID, batch.nulls[row] & columns.idBit == 0 else { return nil }
        self.columns = columns
        self.batch = batch
        order = batch.eventOrder(row)
        arrival = batch.arrivals[row]
        slot = batch.column(columns.id)[row]
        byteCount = batch.types[columns.id] == .string ? Int(slot & 0xffff_ffff) : nil
    }

    var time: Int64 { order.time }

    /// Meets the events of a leaf: learns from those before it, and tells those behind it.
    ///
    /// - Returns: whether a mark in the leaf has changed.
    mutating func meet(_ leaf: inout EventLeaf, _ heap: StringHeap) -> Bool {
        guard leaf.count > 0, leaf.eventID != nil else { return false }
        let (nulls, ids) = (leaf.array(4), leaf.array(EventLeaf.fixedArrays + columns.id))
        let count = Int(leaf.count)
        var hasChanged = false
        var index = leaf.insertionIndex(EventOrder(time: time, stream: 0, offset: .min))
        // An instant may hold very many events, nearly all with other ids: those must go by fast.
        while index < count, leaf.time(at: index) == time {
            defer { index += 1 }
            if let byteCount {
                guard StringHeap.length(ids[index]) == byteCount, nulls[index] & columns.idBit == 0,
                    isSame(heap.string(ids[index]))
                else { continue }
            } else if ids[index] != slot || nulls[index] & columns.idBit != 0 {
                continue
            }
            let other = leaf.order(at: index)
            if other < order {
                since = min(since, leaf.arrival(at: index))
            } else if order < other, arrival < leaf.duplicateSince(columns, at: index) {
                leaf.setMark(columns, at: index, duplicateSince: arrival)
                hasChanged = true
            }
        }
        return hasChanged
    }

    /// Whether a string of the same length is the id.
    private func isSame(_ theirs: UnsafeRawBufferPointer) -> Bool {
        batch.withString(slot) { $0.elementsEqual(theirs) }
    }
}

extension EventTree {
    /// Lets an event meet those of its instant; tiles over marks that change are forgotten.
    func meet(_ twins: inout EventTwins, _ heap: StringHeap) {
        // Newer than everything here: most events.
        if storage.pointee.newestOrder.time < twins.time { return }
        refreshSpine()
        _ = meet(root, &twins, heap)
    }

    private func meet(_ node: EventNode, _ twins: inout EventTwins, _ heap: StringHeap) -> Bool {
        guard node.level > 0 else { return node.withLeaf { twins.meet(&$0, heap) } }
        var hasChanged = false
        for index in 0..<node.childCount {
            let below = node.summary(index)
            if below.first.time > twins.time { break }
            guard below.lastTime >= twins.time, meet(node.child(index), &twins, heap) else { continue }
            storage.pointee.tileBytes -= node.refresh(index)
            hasChanged = true
        }
        return hasChanged
    }
}
