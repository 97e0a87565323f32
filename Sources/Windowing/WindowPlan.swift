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
    /// The column's index in the history and its type; nil counts events.
    public var column: (index: Int, type: ValueType)?
    /// Microseconds; nil for `lifetime`.
    public var length: Int64?
    public var offset: Int64
    public var defaultValue: FeatureValue?
    /// A column of marks: events for which it is null do not count. nil lets every event count.
    public var filter: Int?
    /// Values are complete only from here on; `distantPast` when the store saw the log from its beginning.
    public var availableFrom: Instant

    public init(
        function: AggregateFunction,
        column: (index: Int, type: ValueType)?,
        length: Int64?,
        offset: Int64,
        defaultValue: FeatureValue?,
        filter: Int? = nil,
        availableFrom: Instant
    ) {
        self.function = function
        self.column = column
        self.length = length
        self.offset = offset
        self.defaultValue = defaultValue
        self.filter = filter
        self.availableFrom = availableFrom
    }

    /// An event counts when its null word has none of these bits.
    var mask: UInt64 { Self.bit(column?.index) | Self.bit(filter) }

    private static func bit(_ column: Int?) -> UInt64 { column.map { 1 << UInt64($0) } ?? 0 }
}

/// A compiled list of aggregations over one history. Immutable; shared freely between threads.
public struct WindowPlan: Sendable {
    /// One result to produce.
    struct Output: Sendable {
        var cell: Int
        var function: AggregateFunction
        /// Index into the group's columns.
        var column: Int
        var type: ValueType
        var defaultSlot: UInt64?
        var defaultString: [UInt8]?
        var availableFrom: Instant
    }

    struct Window: Sendable {
        var length: Int64?
        var outputs: [Output]
    }

    struct Column: Sendable {
        /// The state's place in the layout.
        var place: Int
        var column: TileLayout.Column
        /// What this plan asks for: at most what the layout has.
        var parts: AccumulatorParts
    }

    /// Windows that end at the same instant.
    struct Group: Sendable {
        var offset: Int64
        var columns: [Column]
        /// Shortest first; `lifetime` last.
        var windows: [Window]
    }

    let groups: [Group]
    let layout: TileLayout
    /// The number of results; results are numbered by the order of the aggregations.
    public let count: Int

    /// - Parameter shared: what the history's nodes hold. Another layout is right too, but nodes must be filled anew when
    ///   plans of different layouts take turns; the plan makes its own when `shared` lacks something.
    public init(_ aggregations: [PlannedAggregation], layout shared: TileLayout? = nil) {
        let isEnough = shared.map { shared in aggregations.allSatisfy { shared.place(of: $0) != nil } } ?? false
        let layout = isEnough ? shared ?? TileLayout(aggregations) : TileLayout(aggregations)
        self.layout = layout
        count = aggregations.count
        let offsets = Set(aggregations.map(\.offset)).sorted()
        groups = offsets.map { offset in
            Self.group(offset: offset, members: aggregations.enumerated().filter { $0.element.offset == offset }, layout)
        }
    }

    private static func group(
        offset: Int64,
        members: [EnumeratedSequence<[PlannedAggregation]>.Element],
        _ layout: TileLayout
    ) -> Group {
        var columns: [Column] = []
        var columnOf: [Int: Int] = [:]
        for (_, aggregation) in members {
            guard let place = layout.place(of: aggregation) else { continue }
            let slot = columnOf[place] ?? columns.count
            if slot == columns.count {
                columnOf[place] = slot
                columns.append(Column(place: place, column: layout.columns[place], parts: []))
            }
            columns[slot].parts.formUnion(AccumulatorParts(aggregation.function))
        }
        let lengths = Set(members.map(\.element.length)).sorted { a, b in
            guard let a else { return false }
            return b.map { a < $0 } ?? true
        }
        let windows = lengths.map { length in
            Window(
                length: length,
                outputs: members.filter { $0.element.length == length }.compactMap { cell, aggregation in
                    layout.place(of: aggregation).flatMap { columnOf[$0] }.map {
                        Output(cell: cell, aggregation: aggregation, column: $0)
                    }
                }
            )
        }
        return Group(offset: offset, columns: columns, windows: windows)
    }
}

extension WindowPlan.Output {
    fileprivate init(cell: Int, aggregation: PlannedAggregation, column: Int) {
        self.cell = cell
        self.function = aggregation.function
        self.column = column
        self.type = aggregation.function.resultType(of: aggregation.column?.type) ?? .int64
        self.availableFrom = aggregation.availableFrom
        switch aggregation.defaultValue {
        case nil, .null?: break
        case .int64(let value)?: defaultSlot = UInt64(bitPattern: value)
        case .float64(let value)?: defaultSlot = value.bitPattern
        case .bool(let value)?: defaultSlot = value ? 1 : 0
        case .timestamp(let value)?: defaultSlot = UInt64(bitPattern: value.microseconds)
        case .string(let value)?: defaultString = Array(value.utf8)
        }
    }
}

extension ColumnKind {
    init(_ type: ValueType) {
        switch type {
        case .int64, .timestamp: self = .integer
        case .float64: self = .double
        case .string, .bool: self = .opaque
        }
    }
}

extension AccumulatorParts {
    init(_ function: AggregateFunction) {
        switch function {
        case .count: self = []
        case .sum, .mean: self = .sum
        case .min, .max: self = .extremes
        case .first, .last: self = .ends
        }
    }
}
