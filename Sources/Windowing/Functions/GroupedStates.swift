// What `group_by` keeps: the states of each category, as many as a window without categories would have.
//
//   categories   0 | 1 | 2 | ...          numbered in the order of coming, found by value
//   groups       how many events, and the everyday state of the function's column      one a category
//   states       what the function needs beside that, if anything                      one a category
//
// An event belongs to a category when the category's column is there and the filter lets it pass; whether it counts in the
// category's value is for the function's own column to say. Numbers depend on the order of merging, results do not: they
// are put in the order of the categories when they are read.
//
// Bound. More than `maxDistinct` categories in a window are OVERFLOW. A union only grows, so the contents are dropped once
// it is exceeded. Where a category itself keeps distinct values, all categories together share the bound.

/// How the states of categories are made.
struct Grouping: Hashable, Sendable {
    /// The function's column, without the filter: that has been looked at when an event comes to its category.
    var column: TileLayout.Column
    /// nil where the everyday state of the column is enough.
    var kind: StateKind?
    var maxDistinct: Int
}

struct GroupedStates: Sendable {
    struct Group: Sendable {
        /// Events of the category, whether they count in its value or not: what ranks it.
        var eventCount: Int64 = 0
        var column = ColumnAccumulator()
    }

    let grouping: Grouping
    var categories: CategoryTable
    var groups: [Group] = []
    var states: [FunctionState] = []
    private(set) var hasOverflowed = false

    /// - Parameter column: what the category's column is.
    init(_ grouping: Grouping, of column: ColumnKind) {
        self.grouping = grouping
        categories = CategoryTable(column)
    }

    /// Bytes outside of the value.
    var heapBytes: Int {
        var bytes = categories.heapBytes
        bytes += groups.capacity * MemoryLayout<Group>.stride + states.capacity * MemoryLayout<FunctionState>.stride
        for group in groups { bytes += group.column.heapBytes }
        for state in states { bytes += state.heapBytes }
        return bytes
    }

    /// Adds the events of `range` that have a category, newest first; all are older than those added before.
    mutating func extend(over span: EventSpan, _ category: TileLayout.Column, range: Range<Int>, knownAt: Int64) {
        guard !hasOverflowed, let index = category.index else { return }
        let known = span.newestArrival > knownAt ? knownAt : .max
        let slots = span.column(index)
        let (column, kind) = (grouping.column, grouping.kind)
        var rest = range
        while let row = span.newestCounted(in: rest, mask: category.mask, knownAt: known) {
            rest = rest.lowerBound..<row
            let number = categories.number(of: slots[row], in: span.heap)
            if number == groups.count {
                groups.append(Group())
                if let kind { states.append(FunctionState(kind, column.kind)) }
                if groups.count > grouping.maxDistinct { return overflow() }
            }
            groups[number].eventCount &+= 1
            let one = row..<(row + 1)
            groups[number].column.extend(over: span, column, parts: column.parts, range: one, knownAt: .max)
            if kind != nil { states[number].extend(over: span, column, range: one, knownAt: .max) }
        }
        dropIfExceeded()
    }

    /// Adds the categories of states whose events are all older than those added before.
    mutating func merge(older: GroupedStates) {
        if older.hasOverflowed { overflow() }
        if hasOverflowed { return }
        if groups.isEmpty {
            self = older
            return
        }
        for theirs in older.groups.indices {
            let number = categories.number(of: theirs, in: older.categories)
            if number == groups.count {
                groups.append(older.groups[theirs])
                if grouping.kind != nil { states.append(older.states[theirs]) }
                if groups.count > grouping.maxDistinct { return overflow() }
                continue
            }
            groups[number].eventCount &+= older.groups[theirs].eventCount
            groups[number].column.merge(older: older.groups[theirs].column, grouping.column.kind)
            if grouping.kind != nil { states[number].merge(older: older.states[theirs]) }
        }
        dropIfExceeded()
    }

    /// Drops everything when the distinct values of all categories are certainly too many.
    private mutating func dropIfExceeded() {
        guard case .distinct(let most)? = grouping.kind else { return }
        var total = 0
        for state in states {
            total = total.addingReportingOverflow(state.distinctAtLeast).partialValue
            if total < 0 || total > most { return overflow() }
        }
    }

    mutating func overflow() {
        hasOverflowed = true
        categories.removeAll()
        groups = []
        states = []
    }

    // MARK: Results

    /// Whether a bound is exceeded: then there are no results.
    var isOverflowed: Bool {
        if hasOverflowed { return true }
        guard case .distinct(let most)? = grouping.kind else { return false }
        var total = 0
        for state in states {
            guard let count = state.distinctCount else { return true }
            total += count
        }
        return total > most
    }

    /// The numbers of the `most` categories with the most events, of equal ones those first in the order of categories;
    /// in the order of categories.
    func largest(_ most: Int) -> [Int] {
        let ascending = groups.indices.sorted { categories.isBefore($0, $1) }
        let places = LargestCounts.places(most, of: ascending.lazy.map { groups[$0].eventCount })
        return places.sorted().map { ascending[$0] }
    }
}
