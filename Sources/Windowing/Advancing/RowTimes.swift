// Rows that are each known at their own T, with one bound: K = min(T, bound). What counts is one list for all of them as long
// as no row falls between an event's time and its arrival:
//
//   event      time x-------- arrival
//   rows    T1              T2   T3             T1 does not cover it, T2 must not be there, T3 knows it

import FeatureModel

/// Watches for rows that cover an event before they know it, as events go by in the order of time.
struct RowTimes {
    let asOf: [Instant]
    let boundary: Boundary
    /// The first row that covers the events seen last.
    private var next = 0

    init(_ asOf: [Instant], _ boundary: Boundary) {
        self.asOf = asOf
        self.boundary = boundary
    }

    /// Whether some row covers an event of this time and is too early to know of it.
    mutating func covers(_ time: Int64, before arrival: Int64) -> Bool {
        while next < asOf.count,
            !WindowInterval(allBefore: asOf[next], boundary: boundary).overlaps(first: time, last: time)
        {
            next += 1
        }
        return next < asOf.count && asOf[next].microseconds < arrival
    }

    /// The same for rows of a span, of which those that arrived after `knownAt` count for no row.
    mutating func coverAny(_ span: EventSpan, _ rows: Range<Int>, knownAt: Int64) -> Bool {
        // When each duplicate became one matters too.
        guard span.markBit == 0 else { return true }
        for row in rows where span.arrivals[row] <= knownAt {
            if covers(span.times[row], before: span.arrivals[row]) { return true }
        }
        return false
    }
}
