// What a window's functions over one column need, extended from the window's end towards its start:
//
//      oldest ---------------------------------------> newest
//        |<-- 30d ------------------------------------|
//                               |<-- 7d --------------|
//                                          |<-- 1d ---|
//        <== extend ============= extend == extend ===
//
// Windows that end together are nested, so one pass over the longest serves all of them: each is finished when its
// start is reached. Every part is exact and order-free, except first and last, which the order of events decides.

/// Which parts of the accumulator some function asks for; the others are not computed.
struct AccumulatorParts: OptionSet {
    var rawValue: UInt8
    static let sum = AccumulatorParts(rawValue: 1)
    static let extremes = AccumulatorParts(rawValue: 2)
    static let ends = AccumulatorParts(rawValue: 4)
}

struct ColumnAccumulator {
    /// Events whose column is not null.
    var count: Int64 = 0
    var integerSum: Int128 = 0
    var doubleSum = ExactSum()
    var minimum: UInt64 = 0
    var maximum: UInt64 = 0
    var first: UInt64 = 0
    var last: UInt64 = 0
    /// Event time of the newest event that counted; meaningless while `count` is 0.
    var newestTime: Int64 = .min

    /// Adds the events of `range`, all older than those added before. Events that arrived after `knownAt` do not count.
    mutating func extend(
        over span: EventSpan,
        column: Int,
        kind: ColumnKind,
        parts: AccumulatorParts,
        range: Range<Int>,
        knownAt: Int64
    ) {
        guard !range.isEmpty else { return }
        let nullBit: UInt64 = 1 << UInt64(column)
        let slots = span.column(column)
        let filtersArrivals = span.newestArrival > knownAt
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if span.nulls[index] & nullBit != 0 { continue }
            if filtersArrivals, span.arrivals[index] > knownAt { continue }
            let slot = slots[index]
            if count == 0 {
                newestTime = span.times[index]
                last = slot
                minimum = slot
                maximum = slot
            }
            count += 1
            first = slot
            switch kind {
            case .integer:
                let value = Int64(bitPattern: slot)
                integerSum += Int128(value)
                if value < Int64(bitPattern: minimum) { minimum = slot }
                if value > Int64(bitPattern: maximum) { maximum = slot }
            case .double:
                let value = Double(bitPattern: slot)
                if parts.contains(.sum) { doubleSum.add(value) }
                if value < Double(bitPattern: minimum) { minimum = slot }
                if value > Double(bitPattern: maximum) { maximum = slot }
            case .opaque:
                break
            }
        }
    }
}

/// How a column's slots are compared and summed.
enum ColumnKind {
    case integer
    case double
    /// Strings and booleans: counted, first and last only.
    case opaque
}
