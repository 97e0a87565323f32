// Rows of event files in the order in which they are sent: by event time, then by what their content hashes to.
//
//   ordered files     pieces --> rows of whole instants --> requests        the rest waits for the next piece
//   others            all rows of the interval, sorted --> requests
//
// Rows of equal time and content get ordinals; they are neighbours then, wherever they stood.

import ArrowTables
import FeatureModel
import Ingest
import WireProtocol

struct EventBatches {
    struct Batch {
        var request: EventsRequest
        /// Of each row where it came from.
        var origins: [UInt64]
    }

    private let files: EventFiles
    private let isOrdered: Bool
    private let makeRequest: ([Int64], [Int64], [EventsRequest.Column]) -> EventsRequest
    private let rowsMax: Int
    private let byteCountMax: Int
    private var pending: EventRows
    private var isAtEnd = false
    /// What is being sent: rows, their order, their offsets, and how many of them are done.
    private var ready: EventRows
    private var order: [Int32] = []
    private var offsets: [Int64] = []
    private var isIdentity = true
    private var done = 0
    private(set) var rejected = RejectedRows()

    /// What rows may take that must be in memory at once.
    static let memoryMax = 2 << 30

    init(
        _ files: EventFiles,
        isOrdered: Bool,
        limits: WireLimits,
        _ makeRequest: @escaping ([Int64], [Int64], [EventsRequest.Column]) -> EventsRequest
    ) {
        self.files = files
        self.isOrdered = isOrdered
        self.makeRequest = makeRequest
        // The rest of a frame is for names and nulls.
        byteCountMax = limits.frameSizeMax / 4 * 3
        rowsMax = max(1, min(limits.rowsMax, 65_536, byteCountMax / EventRows.rowBytes(files.fields.count)))
        pending = EventRows(files.fields)
        ready = EventRows(files.fields)
        files.start()
    }

    /// The next rows to send; nil when there are no more.
    mutating func next() throws -> Batch? {
        while true {
            while done < order.count { if let batch = take() { return batch } }
            guard !isAtEnd || pending.count > 0 else { return nil }
            try fill()
        }
    }

    private mutating func fill() throws {
        if try !isAtEnd && !files.next(into: &pending, &rejected) { isAtEnd = true }
        guard pending.byteCount <= Self.memoryMax else {
            throw Failure(
                .usage,
                isOrdered
                    ? "too many rows have one event time: more than \(Self.memoryMax >> 30) GiB of them"
                    : "the rows are not in the order of event time, and those of the interval take more than \(Self.memoryMax >> 30) GiB to sort: "
                        + "sort the files by time, or take a shorter interval at a time with --start and --end"
            )
        }
        var end = pending.count
        if !isAtEnd {
            guard isOrdered, let last = pending.times.last else { return }
            // The last instant may go on in the next piece.
            while end > 0, pending.times[end - 1] == last { end -= 1 }
            guard end >= min(rowsMax, pending.count / 2), end > 0 else { return }
        }
        ready = pending
        pending = end == ready.count ? EventRows(files.fields) : ready.selecting(end..<ready.count)
        arrange(end)
    }

    /// Puts the first rows of `ready` into the order of time and content, and gives them their offsets.
    private mutating func arrange(_ count: Int) {
        done = 0
        order = (0..<Int32(truncatingIfNeeded: count)).map { $0 }
        offsets = ready.sums.prefix(count).map { RowContent.offset(sum: $0, ordinal: 0) }
        isIdentity = true
        let times = ready.times
        if !isOrdered {
            isIdentity = false
            var keys = order.map { (time: times[Int($0)], row: $0) }
            keys.sort { $0.time < $1.time }
            order = keys.map(\.row)
        }
        for instant in sharedInstants(count) {
            isIdentity = false
            arrangeInstant(instant)
        }
    }

    /// The places of rows that are not alone at their event time; rows stand in the order of time.
    private func sharedInstants(_ count: Int) -> [Range<Int>] {
        var shared: [Range<Int>] = []
        ready.times.withUnsafeBufferPointer { times in
            order.withUnsafeBufferPointer { order in
                var start = 0
                while start < count {
                    let time = times[Int(order[start])]
                    var end = start + 1
                    while end < count, times[Int(order[end])] == time { end += 1 }
                    if end - start > 1 { shared.append(start..<end) }
                    start = end
                }
            }
        }
        return shared
    }

    /// Rows of one event time: by sum, so that equal ones get their ordinals, then by offset.
    private mutating func arrangeInstant(_ places: Range<Int>) {
        var rows = order[places].map { (sum: ready.sums[Int($0)], offset: Int64(0), row: $0) }
        rows.sort { $0.sum < $1.sum }
        var ordinal: UInt64 = 0
        for place in rows.indices {
            ordinal = place > 0 && rows[place].sum == rows[place - 1].sum ? ordinal + 1 : 0
            rows[place].offset = RowContent.offset(sum: rows[place].sum, ordinal: ordinal)
        }
        rows.sort { $0.offset < $1.offset }
        for place in rows.indices {
            // Two contents with one offset at one instant: once in 2^63 pairs. The second takes the next offset.
            if place > 0, rows[place].offset <= rows[place - 1].offset {
                rows[place].offset = rows[place - 1].offset &+ 1
            }
            order[places.lowerBound + place] = rows[place].row
            offsets[Int(rows[place].row)] = rows[place].offset
        }
    }

    /// The next of the rows that are ready, as many as a request takes; nil when the first of them fits into none.
    private mutating func take() -> Batch? {
        var end = min(order.count, done + rowsMax)
        let strings = ready.columns.filter { $0.field.type == .string }
        if !strings.isEmpty {
            var bytes = 0
            let fixed = EventRows.rowBytes(ready.columns.count)
            for place in done..<end {
                let row = Int(order[place])
                bytes += strings.reduce(fixed) { $0 + Int($1.slots[row] & 0xffff_ffff) }
                if bytes > byteCountMax {
                    end = place
                    break
                }
            }
        }
        guard end > done else {
            let row = Int(order[done])
            rejected.add(
                RejectionReason.oversized.rawValue,
                "its strings are longer than a request may be",
                place: files.place(of: ready.origins[row])
            )
            done += 1
            return nil
        }
        let places = done..<end
        let part = order[places]
        done = end
        func own<T>(_ values: [T]) -> [T] {
            // As they stand: pieces of arrays, or the arrays.
            guard isIdentity else { return part.map { values[Int($0)] } }
            return places == values.indices ? values : Array(values[places])
        }
        return Batch(
            request: makeRequest(
                own(ready.times),
                own(offsets),
                ready.requestColumns(part, isWhole: isIdentity)
            ),
            origins: own(ready.origins)
        )
    }
}
