// One entity's events as columns, oldest first by (event time, position).
//
//   times     | i64 ...                       ascending
//   arrivals  | i64 ...                       the commit that made each event visible
//   nulls     | u64 ...                       bit c set: column c is null
//   column c  | 8-byte slot ...               int64, timestamp: the bits; float64: IEEE bits; bool: 0 or 1;
//                                             string: a slot of `StringHeap`

/// A borrowed view of one entity's events. Valid only while its owner holds the entity still: never stored.
public struct EventSpan {
    public var count: Int
    public var times: UnsafePointer<Int64>
    public var arrivals: UnsafePointer<Int64>
    public var nulls: UnsafePointer<UInt64>
    /// Column c starts at `columns + c * columnStride`.
    public var columns: UnsafePointer<UInt64>
    public var columnStride: Int
    /// The bytes of string values.
    public var heap: UnsafeRawBufferPointer
    /// No event of this span arrived or became a duplicate later than this: a read with a K at or past it need not look at
    /// arrivals.
    public var newestArrival: Int64
    /// The null bit of the mark of duplicates, whose slots say since when they are; 0 where there is no such mark.
    public var markBit: UInt64

    @inlinable
    public init(
        count: Int,
        times: UnsafePointer<Int64>,
        arrivals: UnsafePointer<Int64>,
        nulls: UnsafePointer<UInt64>,
        columns: UnsafePointer<UInt64>,
        columnStride: Int,
        heap: UnsafeRawBufferPointer,
        newestArrival: Int64,
        markBit: UInt64 = 0
    ) {
        self.count = count
        self.times = times
        self.arrivals = arrivals
        self.nulls = nulls
        self.columns = columns
        self.columnStride = columnStride
        self.heap = heap
        self.newestArrival = newestArrival
        self.markBit = markBit
    }

    @inlinable
    func column(_ index: Int) -> UnsafePointer<UInt64> { columns + index * columnStride }

    /// The last row of `range` that counts: null in no column of `mask`, and arrived by `knownAt`. What became a duplicate
    /// only after that counts too.
    @inline(__always)
    func newestCounted(in range: Range<Int>, mask: UInt64, knownAt: Int64) -> Int? {
        var row = range.upperBound
        while row > range.lowerBound {
            row -= 1
            if counts(row, mask: mask, knownAt: knownAt) { return row }
        }
        return nil
    }

    /// Whether a row counts.
    @inline(__always)
    func counts(_ row: Int, mask: UInt64, knownAt: Int64) -> Bool {
        let missing = nulls[row] & mask
        if missing == 0 { return arrivals[row] <= knownAt }
        return missing == markBit && knownAt < duplicateSince(row) && arrivals[row] <= knownAt
    }

    /// From which K on a row that lacks the mark is a duplicate.
    private func duplicateSince(_ row: Int) -> Int64 {
        Int64(bitPattern: column(markBit.trailingZeroBitCount)[row])
    }

    /// No events. Nothing is read through its pointers.
    nonisolated(unsafe) static let empty = EventSpan()

    private init() {
        let nothing = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        nothing.initialize(to: 0)
        let times = UnsafeRawPointer(nothing).assumingMemoryBound(to: Int64.self)
        self.init(
            count: 0,
            times: times,
            arrivals: times,
            nulls: nothing,
            columns: nothing,
            columnStride: 0,
            heap: UnsafeRawBufferPointer(start: nil, count: 0),
            newestArrival: .min
        )
    }
}

/// One event of a span. Valid as long as the span: never stored.
struct EventRow {
    let span: EventSpan
    let row: Int

    var time: Int64 { span.times[row] }
    var nulls: UInt64 { span.nulls[row] }
    /// The slot of a column that is not null.
    func slot(_ column: Int) -> UInt64 { span.column(column)[row] }
}
