// Up to some hundred events of one entity in memory: a struct of arrays in one block.
//
//   block   | times | arrivals | streams | offsets | nulls | column 0 | column 1 | ...      each capacity x 8 bytes
//
// Sorted by (event time, position). An append in order touches the end of each array; a late event moves what is newer.
// String slots point into the entity's `StringHeap`.

import FeatureModel

/// A growable block of events. Not thread-safe. Must be `free`d by its owner.
struct EventLeaf {
    private var block: UnsafeMutablePointer<UInt64>?
    private(set) var count: Int32 = 0
    private(set) var capacity: Int32 = 0
    private(set) var columnCount: Int32
    /// nil: every event counts.
    private(set) var eventID: EventIDColumns?
    /// The latest instant at which an event arrived or became a duplicate; `Int64.min` when there are no events.
    private(set) var newestArrival: Int64 = .min
    /// A bound below every arrival here; `Int64.max` when there are no events.
    private(set) var oldestArrival: Int64 = .max

    /// Arrays before the columns: times, arrivals, streams, offsets, nulls.
    static let fixedArrays = 5

    init(columnCount: Int) { self.columnCount = Int32(truncatingIfNeeded: columnCount) }

    /// A leaf of one event.
    init(_ order: EventOrder, arrival: Int64, nulls: UInt64, slots: [UInt64]) {
        self.init(columnCount: slots.count)
        allocate(capacity: 1)
        let words = [
            UInt64(bitPattern: order.time), UInt64(bitPattern: arrival), order.stream,
            UInt64(bitPattern: order.offset), nulls,
        ]
        for (which, word) in (words + slots).enumerated() { array(which)[0] = word }
        count = 1
        readArrivals()
    }

    /// A leaf of one event of another; its strings stay where they are.
    init(copying row: Int, of other: EventLeaf) {
        self.init(columnCount: Int(other.columnCount))
        allocate(capacity: 1)
        for which in 0..<(Self.fixedArrays + Int(columnCount)) { array(which)[0] = other.array(which)[row] }
        count = 1
        readArrivals()
    }

    var byteCount: Int { Int(capacity) * (Self.fixedArrays + Int(columnCount)) * 8 }

    mutating func free() {
        block?.deallocate()
        self = EventLeaf(columnCount: Int(columnCount))
    }

    @inline(__always)
    func array(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        // Callers hold that the block exists: count > 0, or room was just made.
        block.unsafelyUnwrapped + index * Int(capacity)
    }

    func touchEnd() -> Int {
        guard let block, count > 0 else { return 0 }
        var sum: UInt64 = 0
        let last = Int(count) - 1
        var array = 0
        while array < Self.fixedArrays + Int(columnCount) {
            sum &+= block[array * Int(capacity) + last]
            array += 1
        }
        return Int(truncatingIfNeeded: sum)
    }

    /// The event times on both sides of an edge; see `EntityEvents.neighbours`.
    func neighbours(of edge: Int64) -> (before: Int64, after: Int64) {
        guard count > 0 else { return (.min, .max) }
        let times = UnsafeRawPointer(array(0)).assumingMemoryBound(to: Int64.self)
        let index = WindowInterval.index(of: edge, in: times, count: Int(count))
        return (index > 0 ? times[index - 1] : .min, index < Int(count) ? times[index] : .max)
    }

    // MARK: Events

    @inline(__always)
    func order(at index: Int) -> EventOrder {
        EventOrder(
            time: Int64(bitPattern: array(0)[index]),
            stream: array(2)[index],
            offset: Int64(bitPattern: array(3)[index])
        )
    }

    @inline(__always)
    func time(at index: Int) -> Int64 { Int64(bitPattern: array(0)[index]) }
    @inline(__always)
    func arrival(at index: Int) -> Int64 { Int64(bitPattern: array(1)[index]) }

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

    /// Borrows the events for evaluation. Columns beyond `columnCount` are null in every event.
    func span(_ heap: StringHeap) -> EventSpan {
        guard count > 0 else { return .empty }
        return EventSpan(
            count: Int(count),
            times: UnsafeRawPointer(array(0)).assumingMemoryBound(to: Int64.self),
            arrivals: UnsafeRawPointer(array(1)).assumingMemoryBound(to: Int64.self),
            nulls: array(4),
            columns: array(Self.fixedArrays),
            columnStride: Int(capacity),
            heap: heap.bytes,
            newestArrival: newestArrival,
            markBit: eventID?.markBit ?? 0
        )
    }

    /// Copies an event to the end of `batch`.
    func copy(_ index: Int, to batch: EventBatch, _ heap: StringHeap) { copy(index..<(index + 1), to: batch, heap) }

    /// Copies events that stand side by side to the end of `batch`, array by array.
    func copy(_ range: Range<Int>, to batch: EventBatch, _ heap: StringHeap) {
        guard !range.isEmpty else { return }
        let row = batch.appendRows(range.count)
        func words(_ which: Int, to target: UnsafeMutableRawPointer) {
            (target + row * 8).copyMemory(from: array(which) + range.lowerBound, byteCount: range.count * 8)
        }
        words(0, to: batch.times)
        words(1, to: batch.arrivals)
        words(2, to: batch.streams)
        words(3, to: batch.offsets)
        let (nulls, missing) = (batch.nulls + row, EventBatch.missingColumns(from: Int(columnCount)))
        for place in 0..<range.count { nulls[place] = array(4)[range.lowerBound + place] | missing }
        (batch.keys + row).update(repeating: 0, count: range.count)
        for column in 0..<batch.columnCount {
            let slots = batch.column(column)
            guard column < Int(columnCount) else {
                (slots + row).update(repeating: 0, count: range.count)
                continue
            }
            words(Self.fixedArrays + column, to: slots)
            guard batch.types[column] == .string else { continue }
            let bit = UInt64(1) << UInt64(column)
            for place in 0..<range.count where nulls[place] & bit == 0 {
                slots[row + place] = batch.store(heap.string(slots[row + place]))
            }
        }
    }

    // MARK: Changes

    /// Puts a row at `index`, which the caller has found to be its place.
    ///
    /// - Parameter duplicateSince: from which K on it is a duplicate; `Int64.max`: never.
    @inline(__always)
    mutating func insert(
        _ row: BatchRow,
        at index: Int,
        duplicateSince: Int64,
        capacityMax: Int,
        _ heap: inout StringHeap
    ) {
        let columns = row.batch.columnCount
        if count == capacity || columns > Int(columnCount) { grow(columns: columns, capacityMax: capacityMax) }
        let moved = Int(count) - index
        if moved > 0 {
            for which in 0..<(Self.fixedArrays + Int(columnCount)) {
                let base = array(which) + index
                (base + 1).update(from: base, count: moved)
            }
        }
        place(row, at: index)
        let strings = row.batch.stringColumns
        if strings != 0 {
            let nulls = row.nulls
            for column in 0..<columns where strings & ~nulls & (1 << UInt64(column)) != 0 {
                let array = array(Self.fixedArrays + column)
                array[index] = row.batch.withString(array[index]) { heap.store($0) }
            }
        }
        if let columns = row.batch.eventID {
            eventID = columns
            setMark(columns, at: index, duplicateSince: duplicateSince)
        }
    }

    /// Puts a row behind all events, where there is room for it and nothing to be done but to copy its words.
    ///
    /// - Parameter isInOrder: whether it is known to be newer than all events here.
    /// - Returns: false when the row is one for `insert`.
    @inline(__always)
    mutating func appendInPlace(_ row: BatchRow, isInOrder: Bool) -> Bool {
        guard count > 0, count < capacity, row.batch.columnCount == Int(columnCount), row.batch.stringColumns == 0,
            row.batch.eventID == nil, isInOrder || order(at: Int(count) - 1) < row.order
        else { return false }
        place(row, at: Int(count))
        return true
    }

    /// Copies a row's words to `index`, where nothing stands any more.
    @inline(__always)
    private mutating func place(_ row: BatchRow, at index: Int) {
        let (source, stride, arrival) = (row.words, row.stride, row.arrival)
        let step = Int(capacity)
        var target = block.unsafelyUnwrapped + index
        target[0] = source[0]
        target[step] = source[stride]
        target[2 * step] = source[2 * stride]
        target[3 * step] = source[3 * stride]
        target[4 * step] = row.nulls
        target += Self.fixedArrays * step
        var column = row.columns
        for _ in 0..<row.batch.columnCount {
            target.pointee = column.pointee
            target += step
            column += stride
        }
        count += 1
        newestArrival = max(newestArrival, arrival)
        oldestArrival = min(oldestArrival, arrival)
    }

    /// Says since when the event at `index` is a duplicate; `Int64.max`: it is none.
    mutating func setMark(_ columns: EventIDColumns, at index: Int, duplicateSince: Int64) {
        let isDuplicate = duplicateSince < .max
        array(4)[index] = isDuplicate ? array(4)[index] | columns.markBit : array(4)[index] & ~columns.markBit
        array(Self.fixedArrays + columns.mark)[index] = isDuplicate ? UInt64(bitPattern: duplicateSince) : 0
        if isDuplicate { newestArrival = max(newestArrival, duplicateSince) }
    }

    /// Since when the event at `index` is a duplicate; `Int64.max`: it is none.
    func duplicateSince(_ columns: EventIDColumns, at index: Int) -> Int64 {
        guard array(4)[index] & columns.markBit != 0 else { return .max }
        return Int64(bitPattern: array(Self.fixedArrays + columns.mark)[index])
    }

    /// Moves the events from `index` on to a leaf of their own.
    mutating func split(at index: Int) -> EventLeaf {
        let moved = Int(count) - index
        var newer = EventLeaf(columnCount: Int(columnCount))
        newer.eventID = eventID
        guard moved > 0 else { return newer }
        newer.allocate(capacity: Int(capacity))
        for which in 0..<(Self.fixedArrays + Int(columnCount)) {
            newer.array(which).initialize(from: array(which) + index, count: moved)
        }
        newer.count = Int32(truncatingIfNeeded: moved)
        count -= newer.count
        newer.readArrivals()
        readArrivals()
        return newer
    }

    /// Drops the events that arrived up to `arrival`; their strings stay in the heap until the entity goes.
    mutating func removeArrivals(through arrival: Int64) {
        var kept = 0
        for index in 0..<Int(count) where self.arrival(at: index) > arrival {
            if kept != index {
                for which in 0..<(Self.fixedArrays + Int(columnCount)) { array(which)[kept] = array(which)[index] }
            }
            kept += 1
        }
        count = Int32(truncatingIfNeeded: kept)
        readArrivals()
    }

    /// How many events, from the oldest on, have both event time and arrival before `horizon`, and an event time before
    /// `end`.
    func droppable(before horizon: Int64, end: Int64) -> Int {
        let timeEnd = min(horizon, end)
        var rows = 0
        while rows < Int(count), time(at: rows) < timeEnd, arrival(at: rows) < horizon { rows += 1 }
        return rows
    }

    /// The event time of the first event that does not have both before `horizon`; nil when all do.
    func firstKept(before horizon: Int64) -> Int64? {
        let rows = droppable(before: horizon, end: .max)
        return rows < Int(count) ? time(at: rows) : nil
    }

    /// Drops the oldest events; their strings stay in the heap until the entity goes.
    mutating func removeFirst(_ rows: Int) {
        let kept = Int(count) - rows
        guard rows > 0, kept >= 0 else { return }
        for which in 0..<(Self.fixedArrays + Int(columnCount)) {
            array(which).update(from: array(which) + rows, count: kept)
        }
        count = Int32(truncatingIfNeeded: kept)
        readArrivals()
    }

    private mutating func readArrivals() {
        newestArrival = .min
        oldestArrival = .max
        for index in 0..<Int(count) {
            newestArrival = max(newestArrival, arrival(at: index))
            oldestArrival = min(oldestArrival, arrival(at: index))
        }
        guard let eventID else { return }
        for index in 0..<Int(count) {
            let since = duplicateSince(eventID, at: index)
            if since < .max { newestArrival = max(newestArrival, since) }
        }
    }

    private mutating func allocate(capacity: Int) {
        block = .allocate(capacity: capacity * (Self.fixedArrays + Int(columnCount)))
        self.capacity = Int32(truncatingIfNeeded: capacity)
    }

    private mutating func grow(columns: Int, capacityMax: Int) {
        let old = self
        columnCount = max(columnCount, Int32(truncatingIfNeeded: columns))
        // Most entities have few events: start at 2 and double.
        let wanted = old.count < old.capacity ? Int(old.capacity) : max(2, Int(old.capacity) * 2)
        allocate(capacity: max(min(wanted, capacityMax), Int(old.count) + 1))
        let oldArrays = Self.fixedArrays + Int(old.columnCount)
        if old.count > 0 {
            for which in 0..<oldArrays { array(which).initialize(from: old.array(which), count: Int(old.count)) }
            for which in oldArrays..<(Self.fixedArrays + Int(columnCount)) {
                array(which).initialize(repeating: 0, count: Int(old.count))
            }
        }
        old.block?.deallocate()
    }
}
