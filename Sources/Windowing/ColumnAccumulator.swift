// What a window's everyday functions over one column need, extended from the window's end towards its start:
//
//      oldest ---------------------------------------> newest
//        |<-- 30d ------------------------------------|
//                               |<-- 7d --------------|
//                                          |<-- 1d ---|
//        <== extend ====== merge tiles == extend ====
//
// Windows that end together are nested, so one pass over the longest serves all of them: each is finished when its
// start is reached. Every part is exact and order-free, except first and last, which the order of events decides.

import FeatureModel

/// Which parts of the accumulator some function asks for; the others are not computed.
struct AccumulatorParts: OptionSet, Hashable, Sendable {
    var rawValue: UInt8
    static let sum = AccumulatorParts(rawValue: 1)
    static let extremes = AccumulatorParts(rawValue: 2)
    static let ends = AccumulatorParts(rawValue: 4)
}

struct ColumnAccumulator {
    /// Events that counted.
    var count: Int64 = 0
    var integerSum: Int128 = 0
    var doubleSum = ExactSum()
    var minimum: UInt64 = 0
    var maximum: UInt64 = 0
    var first: UInt64 = 0
    var last: UInt64 = 0
    /// Event times of the oldest and the newest event that counted; meaningless while `count` is 0.
    var oldestTime: Int64 = .max
    var newestTime: Int64 = .min

    /// Adds the events of `range`, all older than those added before. Events that arrived after `knownAt` do not count.
    mutating func extend(
        over span: EventSpan,
        _ column: TileLayout.Column,
        parts: AccumulatorParts,
        range: Range<Int>,
        knownAt: Int64
    ) {
        guard !range.isEmpty else { return }
        let known = span.newestArrival > knownAt ? knownAt : .max
        guard let index = column.index else { return countEvents(span, column.mask, range, known) }
        let slots = span.column(index)
        guard let newest = span.newestCounted(in: range, mask: column.mask, knownAt: known) else { return }
        if count == 0 {
            newestTime = span.times[newest]
            last = slots[newest]
            minimum = last
            maximum = last
        }
        var oldest = newest
        var row = newest + 1
        switch column.kind {
        case .integer:
            var (least, most) = (Int64(bitPattern: minimum), Int64(bitPattern: maximum))
            while let next = span.newestCounted(in: range.lowerBound..<row, mask: column.mask, knownAt: known) {
                row = next
                oldest = next
                count += 1
                let value = Int64(bitPattern: slots[next])
                integerSum += Int128(value)
                least = min(least, value)
                most = max(most, value)
            }
            (minimum, maximum) = (UInt64(bitPattern: least), UInt64(bitPattern: most))
        case .double:
            var (least, most) = (Double(bitPattern: minimum), Double(bitPattern: maximum))
            while let next = span.newestCounted(in: range.lowerBound..<row, mask: column.mask, knownAt: known) {
                row = next
                oldest = next
                count += 1
                let value = Double(bitPattern: slots[next])
                if parts.contains(.sum) { doubleSum.add(value) }
                // Equal numbers have equal bits: -0.0 is never stored.
                if value < least { least = value }
                if value > most { most = value }
            }
            (minimum, maximum) = (least.bitPattern, most.bitPattern)
        case .flag, .string:
            while let next = span.newestCounted(in: range.lowerBound..<row, mask: column.mask, knownAt: known) {
                row = next
                oldest = next
                count += 1
            }
        }
        first = slots[oldest]
        oldestTime = span.times[oldest]
    }

    /// Adds what a node knows of events that are all older than those added before.
    mutating func merge(older: borrowing ColumnAccumulator, _ kind: ColumnKind) {
        guard older.count > 0 else { return }
        if count == 0 {
            self = copy older
            return
        }
        count += older.count
        first = older.first
        oldestTime = older.oldestTime
        switch kind {
        case .integer:
            integerSum += older.integerSum
            if Int64(bitPattern: older.minimum) < Int64(bitPattern: minimum) { minimum = older.minimum }
            if Int64(bitPattern: older.maximum) > Int64(bitPattern: maximum) { maximum = older.maximum }
        case .double:
            doubleSum.add(older.doubleSum)
            if Double(bitPattern: older.minimum) < Double(bitPattern: minimum) { minimum = older.minimum }
            if Double(bitPattern: older.maximum) > Double(bitPattern: maximum) { maximum = older.maximum }
        case .flag, .string: break
        }
    }

    private mutating func countEvents(_ span: EventSpan, _ mask: UInt64, _ range: Range<Int>, _ knownAt: Int64) {
        guard let newest = span.newestCounted(in: range, mask: mask, knownAt: knownAt) else { return }
        if count == 0 { newestTime = span.times[newest] }
        if mask == 0, knownAt == .max {
            count += Int64(range.count)
            oldestTime = span.times[range.lowerBound]
            return
        }
        var row = newest + 1
        while let next = span.newestCounted(in: range.lowerBound..<row, mask: mask, knownAt: knownAt) {
            row = next
            count += 1
        }
        oldestTime = span.times[row]
    }
}

/// How a column's slots are compared and summed.
enum ColumnKind: Hashable, Sendable {
    case integer
    case double
    /// Booleans and strings have no sum and no extremes.
    case flag
    case string

    init(_ type: ValueType) {
        switch type {
        case .int64, .timestamp: self = .integer
        case .float64: self = .double
        case .bool: self = .flag
        case .string: self = .string
        }
    }
}
