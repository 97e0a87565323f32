/// The events of one column that count at K, oldest first, copied out of an entity: reading them needs no lock. Must be
/// `free`d by its owner.
struct CountedColumn {
    private(set) var count = 0
    private var capacity = 0
    private(set) var times: UnsafeMutablePointer<Int64>
    /// The column's values; undefined where a column counts events only.
    private(set) var slots: UnsafeMutablePointer<UInt64>

    init() {
        times = .allocate(capacity: 1)
        slots = .allocate(capacity: 1)
    }

    func free() {
        times.deallocate()
        slots.deallocate()
    }

    mutating func removeAll() { count = 0 }

    /// Adds the rows that count; all are newer than those added before.
    mutating func append(_ span: EventSpan, _ rows: Range<Int>, _ column: TileLayout.Column, knownAt: Int64) {
        if rows.isEmpty { return }
        if count + rows.count > capacity { grow(to: max(256, max(count + rows.count, capacity * 2))) }
        let known = span.newestArrival > knownAt ? knownAt : .max
        let first = rows.lowerBound
        if column.mask == 0, known == .max {
            (times + count).update(from: span.times + first, count: rows.count)
            if let index = column.index { (slots + count).update(from: span.column(index) + first, count: rows.count) }
            count += rows.count
            return
        }
        let source = column.index.map { span.column($0) } ?? span.nulls
        var end = count
        // A column that is younger than its leaf is not there to be read, and none of its rows counts.
        for row in rows where span.counts(row, mask: column.mask, knownAt: known) {
            times[end] = span.times[row]
            slots[end] = source[row]
            end += 1
        }
        count = end
    }

    private mutating func grow(to wanted: Int) {
        let (newTimes, newSlots) = (
            UnsafeMutablePointer<Int64>.allocate(capacity: wanted),
            UnsafeMutablePointer<UInt64>.allocate(capacity: wanted)
        )
        newTimes.initialize(from: times, count: count)
        newSlots.initialize(from: slots, count: count)
        free()
        (times, slots, capacity) = (newTimes, newSlots, wanted)
    }
}
