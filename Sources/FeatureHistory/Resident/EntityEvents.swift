// One entity's events in memory: a struct of arrays in one block.
//
//   block   | times | arrivals | streams | offsets | nulls | column 0 | column 1 | ...      each capacity x 8 bytes
//   heap    | bytes of string values, appended only |
//
// Sorted by (event time, position). An append in order touches the end of each array; a late event moves what is newer.

import FeatureModel
import Windowing

/// A growable block of events. Not thread-safe; its shard's lock guards it. Must be `free`d by its owner.
struct EntityEvents {
    private(set) var block: UnsafeMutablePointer<UInt64>?
    private(set) var heap: UnsafeMutableRawPointer?
    private(set) var count: Int32 = 0
    private(set) var capacity: Int32 = 0
    private(set) var heapCount = 0
    private(set) var heapCapacity = 0
    private(set) var columnCount: Int32
    /// The latest arrival among the events; `Int64.min` when there are none.
    private(set) var newestArrival: Int64 = .min

    /// Arrays before the columns: times, arrivals, streams, offsets, nulls.
    static let fixedArrays = 5

    init(columnCount: Int) { self.columnCount = Int32(columnCount) }

    var byteCount: Int { Int(capacity) * (Self.fixedArrays + Int(columnCount)) * 8 + heapCapacity }

    mutating func free() {
        block?.deallocate()
        heap?.deallocate()
        self = EntityEvents(columnCount: Int(columnCount))
    }

    @inline(__always)
    private func array(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        // Callers hold that the block exists: count > 0, or room was just made.
        block.unsafelyUnwrapped + index * Int(capacity)
    }

    @inline(__always)
    func order(at index: Int) -> EventOrder {
        EventOrder(
            time: Int64(bitPattern: array(0)[index]),
            stream: array(2)[index],
            offset: Int64(bitPattern: array(3)[index])
        )
    }

    func arrival(at index: Int) -> Int64 { Int64(bitPattern: array(1)[index]) }
    func nulls(at index: Int) -> UInt64 { array(4)[index] }
    func slot(_ column: Int, at index: Int) -> UInt64 { array(Self.fixedArrays + column)[index] }

    func string(_ slot: UInt64) -> UnsafeRawBufferPointer {
        let length = Int(slot & 0xffff_ffff)
        return UnsafeRawBufferPointer(start: heap.map { $0 + Int(slot >> 32) }, count: length)
    }

    /// Where an event with this order belongs: the number of events before it.
    func insertionIndex(_ order: EventOrder) -> Int {
        var low = 0
        var high = Int(count)
        while low < high {
            let middle = (low + high) / 2
            if self.order(at: middle) < order { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Inserts a row of `batch` at its place. An event that is already here (same time and position) is not inserted
    /// again: recovery and cold loads may meet the same event in the journal and in a leaf.
    ///
    /// - Returns: whether the event was new.
    @discardableResult
    mutating func insert(_ row: Int, of batch: EventBatch) -> Bool {
        let order = batch.eventOrder(row)
        var index = Int(count)
        if index > 0, !(self.order(at: index - 1) < order) {
            index = insertionIndex(order)
            if index < Int(count), self.order(at: index) == order { return false }
        }
        let columns = batch.columnCount
        if count == capacity || columns > Int(columnCount) { grow(columns: columns) }
        let moved = Int(count) - index
        if moved > 0 {
            for which in 0..<(Self.fixedArrays + Int(columnCount)) {
                let base = array(which) + index
                (base + 1).update(from: base, count: moved)
            }
        }
        let nulls = batch.nulls[row]
        let arrival = batch.arrivals[row]
        array(0)[index] = UInt64(bitPattern: order.time)
        array(1)[index] = UInt64(bitPattern: arrival)
        array(2)[index] = order.stream
        array(3)[index] = UInt64(bitPattern: order.offset)
        array(4)[index] = nulls | Self.missingColumns(from: columns)
        for column in 0..<columns {
            var slot = batch.column(column)[row]
            if batch.types[column] == .string, nulls & (1 << UInt64(column)) == 0 {
                slot = batch.strings.withUnsafeBytes { bytes in
                    let start = Int(slot >> 32)
                    return store(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(slot & 0xffff_ffff))]))
                }
            }
            array(Self.fixedArrays + column)[index] = slot
        }
        count += 1
        newestArrival = max(newestArrival, arrival)
        return true
    }

    /// Copies the events that arrived after `arrival` and not after `last` to the end of `batch`, oldest first.
    func copy(arrivedAfter arrival: Int64, through last: Int64, to batch: EventBatch) {
        for index in 0..<Int(count) where self.arrival(at: index) > arrival && self.arrival(at: index) <= last {
            let row = batch.appendRows(1)
            let order = self.order(at: index)
            batch.times[row] = order.time
            batch.arrivals[row] = self.arrival(at: index)
            batch.streams[row] = order.stream
            batch.offsets[row] = order.offset
            batch.nulls[row] = nulls(at: index) | Self.missingColumns(from: Int(columnCount))
            batch.keys[row] = 0
            for column in 0..<batch.columnCount {
                var slot: UInt64 = column < Int(columnCount) ? self.slot(column, at: index) : 0
                if batch.types[column] == .string, !batch.isNull(column, row) { slot = batch.store(string(slot)) }
                batch.column(column)[row] = slot
            }
        }
    }

    /// Null bits for the columns that an event was stored without.
    static func missingColumns(from columns: Int) -> UInt64 { columns >= 64 ? 0 : ~0 << UInt64(columns) }

    /// Keeps only the events for which `isKept(arrival)` holds; strings stay in the heap until the entity goes.
    mutating func removeArrivals(through arrival: Int64) {
        var kept = 0
        for index in 0..<Int(count) where self.arrival(at: index) > arrival {
            if kept != index {
                for which in 0..<(Self.fixedArrays + Int(columnCount)) { array(which)[kept] = array(which)[index] }
            }
            kept += 1
        }
        count = Int32(kept)
        if kept == 0 { free() }
    }

    private mutating func store(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let needed = heapCount + bytes.count
        if needed > heapCapacity {
            let capacity = max(64, needed + needed / 2)
            let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
            if let heap {
                grown.copyMemory(from: heap, byteCount: heapCount)
                heap.deallocate()
            }
            heap = grown
            heapCapacity = capacity
        }
        if let base = bytes.baseAddress, let heap { (heap + heapCount).copyMemory(from: base, byteCount: bytes.count) }
        let slot = UInt64(heapCount) << 32 | UInt64(bytes.count)
        heapCount = needed
        return slot
    }

    private mutating func grow(columns: Int) {
        let newColumns = max(Int(columnCount), columns)
        // Most entities have few events: start at 2 and double, by half once it is many.
        let newCapacity =
            count < capacity ? Int(capacity) : max(2, Int(capacity) < 4096 ? Int(capacity) * 2 : Int(capacity) * 3 / 2)
        let grown = UnsafeMutablePointer<UInt64>.allocate(capacity: newCapacity * (Self.fixedArrays + newColumns))
        if let block {
            for which in 0..<(Self.fixedArrays + Int(columnCount)) {
                (grown + which * newCapacity).initialize(from: block + which * Int(capacity), count: Int(count))
            }
            for which in (Self.fixedArrays + Int(columnCount))..<(Self.fixedArrays + newColumns)
            where newColumns > columnCount {
                (grown + which * newCapacity).initialize(repeating: 0, count: Int(count))
            }
            block.deallocate()
        }
        block = grown
        capacity = Int32(newCapacity)
        columnCount = Int32(newColumns)
    }

    /// Borrows the events for evaluation. `columns` is what the plan expects; missing ones are added as nulls first.
    mutating func withSpan<R>(columns: Int, _ body: (EventSpan) -> R) -> R {
        guard count > 0 else { return Self.withEmptySpan(body) }
        if columns > Int(columnCount) { grow(columns: columns) }
        return body(
            EventSpan(
                count: Int(count),
                times: UnsafeRawPointer(array(0)).assumingMemoryBound(to: Int64.self),
                arrivals: UnsafeRawPointer(array(1)).assumingMemoryBound(to: Int64.self),
                nulls: array(4),
                columns: array(Self.fixedArrays),
                columnStride: Int(capacity),
                heap: UnsafeRawBufferPointer(start: heap, count: heapCount),
                newestArrival: newestArrival
            )
        )
    }

    static func withEmptySpan<R>(_ body: (EventSpan) -> R) -> R {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 1) { nothing in
            nothing.initialize(repeating: 0)
            let base = nothing.baseAddress.unsafelyUnwrapped
            let times = UnsafeRawPointer(base).assumingMemoryBound(to: Int64.self)
            return body(
                EventSpan(
                    count: 0,
                    times: times,
                    arrivals: times,
                    nulls: base,
                    columns: base,
                    columnStride: 0,
                    heap: UnsafeRawBufferPointer(start: nil, count: 0),
                    newestArrival: .min
                )
            )
        }
    }
}
