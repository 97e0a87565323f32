// What is left of the events that an entity's history has dropped: enough for `lifetime` windows, for attributes that have
// not changed since, and for knowing which other windows would have needed them.
//
//   events   oldest ------------- last | first kept ------------- newest
//            <=== dropped: states ====> <=== kept: leaves ===========>
//
// Events go oldest first, in event order, and only while both their event time and their arrival lie before the horizon:
// the first one that does not keeps all behind it. What is dropped therefore depends on the events and the horizon alone,
// every kept event is newer than every dropped one, and ingest accepts none that would have to stand among the dropped.

import FeatureModel

/// The base of one entity. `EntityEvents` owns it; string slots of its states point into the entity's heap.
struct HistoryBase {
    /// How many events were dropped; more than 0.
    var count: Int64 = 0
    /// Event time of the oldest.
    var oldestTime: Int64 = .max
    var newestArrival: Int64 = .min
    /// The newest dropped event.
    var last: EventOrder = .first
    private(set) var columns: [Column]
    private(set) var functions: [Function]
    private(set) var versions: [Version]
    /// About how many bytes it takes, for the memory budget; measured when it changes.
    private(set) var byteCount = 0

    struct Column {
        var column: TileLayout.Column
        var state = ColumnAccumulator()
    }

    struct Function {
        var column: TileLayout.Column
        var kind: StateKind
        var state: FunctionState
    }

    /// The newest dropped version for one mask, as a leaf of one event; an empty one when none of the dropped events is one.
    struct Version {
        var mask: UInt64
        var row: EventLeaf
    }

    /// For an entity that has dropped nothing yet.
    init(_ layout: BaseLayout?) {
        columns = layout?.columns.map { Column(column: $0) } ?? []
        functions = []
        versions = layout?.versionMasks.map { Version(mask: $0, row: EventLeaf(columnCount: 0)) } ?? []
        guard let layout else { return }
        functions = layout.functions.map { function in
            let column = layout.columns[function.column]
            return Function(column: column, kind: function.kind, state: FunctionState(function.kind, column.kind))
        }
    }

    init(columns: [Column], functions: [Function], versions: [Version]) {
        self.columns = columns
        self.functions = functions
        self.versions = versions
    }

    mutating func free() {
        for index in versions.indices { versions[index].row.free() }
        self = HistoryBase(nil)
    }

    /// Gives up what no feature needs any more. What a new one needs cannot be had: its past is gone.
    mutating func keep(_ layout: BaseLayout?) {
        let wanted = layout?.columns ?? []
        columns.removeAll { entry in !wanted.contains { $0.isSameColumn(as: entry.column) } }
        functions.removeAll { entry in
            !(layout?.functions.contains {
                $0.kind == entry.kind && wanted[$0.column].isSameColumn(as: entry.column)
            } ?? false)
        }
        for index in versions.indices.reversed() where !(layout?.versionMasks.contains(versions[index].mask) ?? false) {
            versions[index].row.free()
            versions.remove(at: index)
        }
    }

    /// Takes in the first rows of a leaf, at least one; they are all newer than those taken in before.
    mutating func take(_ leaf: EventLeaf, rows: Int, _ heap: StringHeap) {
        let span = leaf.span(heap)
        let range = 0..<rows
        for index in columns.indices {
            let column = columns[index].column
            var state = ColumnAccumulator()
            state.extend(over: span, column, parts: column.parts, range: range, knownAt: .max)
            state.merge(older: columns[index].state, column.kind)
            columns[index].state = state
        }
        for index in functions.indices {
            let column = functions[index].column
            var state = FunctionState(functions[index].kind, column.kind)
            state.extend(over: span, column, range: range, knownAt: .max)
            state.merge(older: functions[index].state)
            functions[index].state = state
        }
        for index in versions.indices {
            guard let row = span.newestCounted(in: range, mask: versions[index].mask, knownAt: .max) else { continue }
            versions[index].row.free()
            versions[index].row = EventLeaf(copying: row, of: leaf)
        }
        if count == 0 { oldestTime = span.times[0] }
        count += Int64(rows)
        for row in range { newestArrival = max(newestArrival, span.arrivals[row]) }
        last = leaf.order(at: rows - 1)
        measure()
    }

    // MARK: Reading

    /// Whether a window may not be answered: it covers dropped events, or K lies before the arrival of one.
    func isTouched(by interval: WindowInterval, knownAt: Int64) -> Bool {
        outline.isTouched(by: interval, knownAt: knownAt)
    }

    var outline: DroppedEvents {
        DroppedEvents(count: count, firstTime: oldestTime, lastTime: last.time, newestArrival: newestArrival)
    }

    /// Whether all dropped events, or none, lie inside an interval that has no start, and are known at K.
    func isWhole(in interval: WindowInterval, knownAt: Int64) -> Bool {
        knownAt >= newestArrival && (lies(in: interval) || interval.end <= oldestTime)
    }

    /// Whether all dropped events lie inside an interval that has no start.
    func lies(in interval: WindowInterval) -> Bool { interval.covers(first: oldestTime, last: last.time) }

    /// Whether any dropped event lies inside an interval that has no start: the oldest one does then.
    func begins(in interval: WindowInterval) -> Bool { interval.overlaps(first: oldestTime, last: oldestTime) }

    /// The state of a column with these parts; nil when a feature that needs it came after events had been dropped.
    func state(of column: TileLayout.Column, parts: AccumulatorParts) -> ColumnAccumulator? {
        columns.first { $0.column.isSameColumn(as: column) && $0.column.parts.isSuperset(of: parts) }?.state
    }

    /// The newest dropped version; an empty leaf when no dropped event is one, nil when that is not known.
    func version(mask: UInt64) -> EventLeaf? { versions.first { $0.mask == mask }?.row }

    func state(of column: TileLayout.Column, _ kind: StateKind) -> FunctionState? {
        functions.first { $0.kind == kind && $0.column.isSameColumn(as: column) }?.state
    }

    mutating func measure() {
        byteCount =
            MemoryLayout<HistoryBase>.stride
            + columns.reduce(0) { $0 + MemoryLayout<Column>.stride + $1.state.heapBytes }
            + functions.reduce(0) { $0 + MemoryLayout<Function>.stride + $1.state.heapBytes }
            + versions.reduce(0) { $0 + MemoryLayout<Version>.stride + $1.row.byteCount }
    }
}

extension TileLayout.Column {
    /// The same events and values; what is computed of them may differ.
    func isSameColumn(as other: TileLayout.Column) -> Bool {
        index == other.index && mask == other.mask && kind == other.kind
    }
}
