public import FeatureModel

// A list of aggregations over one history, compiled for evaluation.
//
//   aggregations --> groups by window end (offset) --> windows, shortest first --> outputs
//                                |
//                                +--> columns, each accumulated once for all windows of the group,
//                                     each with its place in the tiles of the history's nodes

/// One aggregation over the columns of a history, as the plan wants it.
public struct PlannedAggregation: Sendable {
    public var function: AggregateFunction
    public var parameters: FunctionParameters
    /// The column's index in the history and its type; nil counts events.
    public var column: (index: Int, type: ValueType)?
    /// The column of categories: the result is a map from each to the function's value.
    public var groupBy: (index: Int, type: ValueType)?
    public var window: TimeWindow
    public var offset: Int64
    public var defaultValue: FeatureValue?
    /// A column of marks: events for which it is null do not count. nil lets every event count.
    public var filter: Int?
    /// The column that is null for tombstones, which do not count; nil where a history has none.
    public var live: Int?
    /// The column that is null for duplicates, which do not count; nil where a history has none.
    public var counts: Int?
    /// Values are complete only from here on; `distantPast` when the store saw the log from its beginning.
    public var availableFrom: Instant

    public init(
        function: AggregateFunction,
        parameters: FunctionParameters = FunctionParameters(),
        column: (index: Int, type: ValueType)?,
        groupBy: (index: Int, type: ValueType)? = nil,
        window: TimeWindow,
        offset: Int64,
        defaultValue: FeatureValue?,
        filter: Int? = nil,
        live: Int? = nil,
        counts: Int? = nil,
        availableFrom: Instant
    ) {
        self.function = function
        self.parameters = parameters
        self.column = column
        self.groupBy = groupBy
        self.window = window
        self.offset = offset
        self.defaultValue = defaultValue
        self.filter = filter
        self.live = live
        self.counts = counts
        self.availableFrom = availableFrom
    }

    /// The column without whose value an event does not count. Within a category the function's own column decides again.
    var counted: (index: Int, type: ValueType)? { groupBy ?? column }

    /// An event counts when its null word has none of these bits.
    var mask: UInt64 { nullBit(counted?.index) | filterMask }

    /// An event belongs to the view when its null word has none of these bits.
    var filterMask: UInt64 { nullBit(filter) | nullBit(live) | nullBit(counts) }

    /// The type of the result: of a series a list.
    public var resultType: FeatureType {
        window.type(of: function.resultType(of: column?.type, groupBy: groupBy?.type) ?? .int64)
    }

    /// Which parts of the counted column's everyday state the function asks for.
    var parts: AccumulatorParts { groupBy == nil ? AccumulatorParts(function) : [] }

    /// The state that the function needs beside that; nil when it needs none.
    var stateKind: StateKind? {
        let kind = StateKind(function, parameters)
        guard groupBy != nil else { return kind }
        // All functions over one column and category share what is kept of each category.
        let own = TileLayout.Column(
            index: column?.index,
            kind: column.map { ColumnKind($0.type) } ?? .flag,
            mask: nullBit(column?.index),
            parts: .sum
        )
        let most = parameters.maxDistinct ?? FunctionParameters.maxDistinctDefault
        return .groups(Grouping(column: own, kind: kind, maxDistinct: most))
    }
}

/// The bit of a column in an event's null word; 0 where there is no column.
func nullBit(_ column: Int?) -> UInt64 { column.map { 1 << UInt64($0) } ?? 0 }

/// A compiled list of aggregations over one history. Immutable; shared freely between threads.
public struct WindowPlan: Sendable {
    /// One result to produce.
    struct Output: Sendable {
        var cell: Int
        var function: AggregateFunction
        var parameters: FunctionParameters
        /// Index into the group's columns.
        var column: Int
        /// Parts of the column's state that the function needs.
        var parts: AccumulatorParts
        /// Index into the group's functions; nil where the column's state is enough.
        var state: Int?
        var type: FeatureType
        var columnType: ValueType?
        /// The type of the categories; nil where there are none.
        var categoryType: ValueType?
        var defaultSlot: UInt64?
        var defaultString: [UInt8]?
        var defaultValue: FeatureValue
        var availableFrom: Instant
    }

    /// A window of a group: its length where windows are nested (nil for `lifetime`), else what the group says.
    struct Window: Sendable {
        var length: Int64?
        var outputs: [Output]
    }

    /// How the windows of a group lie, and so how its events are swept.
    enum Sweep: Hashable, Sendable {
        /// Windows that end together: one sweep from the end, each finished when its start is reached.
        case nested
        /// One window of the newest events that belong to the view.
        case newest(Int, mask: UInt64)
        /// Windows that follow each other: one sweep, the states begun anew at each start.
        case series(count: Int, step: Int64)
    }

    struct Column: Sendable {
        /// The state's place in the layout.
        var place: Int
        var column: TileLayout.Column
        /// What this plan asks for: at most what the layout has.
        var parts: AccumulatorParts
    }

    struct Function: Sendable {
        /// The state's place in the layout.
        var place: Int
        var kind: StateKind
        var column: TileLayout.Column
    }

    /// Windows that are computed in one sweep.
    struct Group: Sendable {
        var offset: Int64
        var sweep: Sweep
        var columns: [Column]
        var functions: [Function]
        /// Shortest first; `lifetime` last.
        var windows: [Window]
    }

    let groups: [Group]
    /// Attributes, each list read from one version of the entity.
    let versions: [Versions]
    let layout: TileLayout
    /// nil where results change with time itself.
    let edges: Edges?
    /// The number of results; they are numbered by the order of the aggregations, then of the attributes.
    public let count: Int

    /// - Parameter shared: what the history's nodes hold. Another layout is right too, but nodes must be filled anew when
    ///   plans of different layouts take turns; the plan makes its own when `shared` lacks something.
    public init(
        _ aggregations: [PlannedAggregation],
        attributes: [PlannedAttribute] = [],
        layout shared: TileLayout? = nil
    ) {
        let isEnough =
            shared.map { aggregations.allSatisfy($0.serves) && attributes.allSatisfy($0.serves) } ?? false
        let layout = shared.flatMap { isEnough ? $0 : nil } ?? TileLayout(aggregations, attributes)
        self.layout = layout
        count = aggregations.count + attributes.count
        edges = Edges(aggregations, attributes)
        versions = Versions.groups(attributes, firstCell: aggregations.count)
        var groups: [Group] = []
        for aggregation in aggregations {
            let (offset, sweep) = (aggregation.offset, aggregation.sweep)
            guard !groups.contains(where: { $0.offset == offset && $0.sweep == sweep }) else { continue }
            let members = aggregations.enumerated().filter { $0.element.offset == offset && $0.element.sweep == sweep }
            groups.append(Self.group(offset: offset, sweep: sweep, members: members, layout))
        }
        self.groups = groups
    }

    private static func group(
        offset: Int64,
        sweep: Sweep,
        members: [EnumeratedSequence<[PlannedAggregation]>.Element],
        _ layout: TileLayout
    ) -> Group {
        var columns: [Column] = []
        var columnOf: [Int: Int] = [:]
        var functions: [Function] = []
        var functionOf: [Int: Int] = [:]
        for (_, aggregation) in members {
            if let place = layout.function(of: aggregation), functionOf[place] == nil {
                let function = layout.functions[place]
                functionOf[place] = functions.count
                functions.append(
                    Function(place: place, kind: function.kind, column: layout.columns[function.column])
                )
            }
            guard let place = layout.column(of: aggregation) else { continue }
            let slot = columnOf[place] ?? columns.count
            if slot == columns.count {
                columnOf[place] = slot
                columns.append(Column(place: place, column: layout.columns[place], parts: []))
            }
            columns[slot].parts.formUnion(aggregation.parts)
        }
        let lengths = Set(members.map(\.element.length)).sorted { a, b in
            guard let a else { return false }
            return b.map { a < $0 } ?? true
        }
        let windows = lengths.map { length in
            Window(
                length: length,
                outputs: members.filter { $0.element.length == length }.compactMap { cell, aggregation in
                    layout.column(of: aggregation).flatMap { columnOf[$0] }.map {
                        let state = layout.function(of: aggregation).flatMap { functionOf[$0] }
                        return Output(cell: cell, aggregation: aggregation, column: $0, state: state)
                    }
                }
            )
        }
        return Group(offset: offset, sweep: sweep, columns: columns, functions: functions, windows: windows)
    }
}

extension WindowPlan.Output {
    fileprivate init(cell: Int, aggregation: PlannedAggregation, column: Int, state: Int?) {
        self.cell = cell
        self.function = aggregation.function
        self.parameters = aggregation.parameters
        self.column = column
        self.state = state
        self.parts = aggregation.parts
        self.type = aggregation.resultType
        self.columnType = aggregation.column?.type
        self.categoryType = aggregation.groupBy?.type
        self.availableFrom = aggregation.availableFrom
        self.defaultValue = aggregation.defaultValue ?? .null
        // Within a series each window has the default; the list itself is never null.
        if case .series = aggregation.window { return }
        switch aggregation.defaultValue {
        case nil, .null?, .list?, .map?: break
        case .int64(let value)?: defaultSlot = UInt64(bitPattern: value)
        case .float64(let value)?: defaultSlot = value.bitPattern
        case .bool(let value)?: defaultSlot = value ? 1 : 0
        case .timestamp(let value)?: defaultSlot = UInt64(bitPattern: value.microseconds)
        case .string(let value)?: defaultString = Array(value.utf8)
        }
    }
}

extension PlannedAggregation {
    fileprivate var sweep: WindowPlan.Sweep {
        switch window {
        case .sliding, .lifetime: .nested
        case .events(let count): .newest(count, mask: filterMask)
        case .series(let count, let step): .series(count: count, step: step)
        }
    }

    /// Of nested windows; nil for `lifetime`.
    fileprivate var length: Int64? { if case .sliding(let length) = window { length } else { nil } }
}

extension AccumulatorParts {
    init(_ function: AggregateFunction) {
        switch function {
        case .sum, .mean: self = .sum
        case .min, .max: self = .extremes
        case .first, .last: self = .ends
        default: self = []
        }
    }
}
