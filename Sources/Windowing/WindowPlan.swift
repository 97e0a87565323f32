public import FeatureModel

// A list of aggregations over one history, compiled for evaluation.
//
//   aggregations --> groups by window end (offset) --> windows, shortest first --> outputs
//                                |
//                                +--> columns, each accumulated once for all windows of the group

/// One aggregation over the columns of a history, as the plan wants it.
public struct PlannedAggregation: Sendable {
    public var function: AggregateFunction
    /// The column's index in the history and its type; nil counts events.
    public var column: (index: Int, type: ValueType)?
    /// Microseconds; nil for `lifetime`.
    public var length: Int64?
    public var offset: Int64
    public var defaultValue: FeatureValue?
    /// Values are complete only from here on; `distantPast` when the store saw the log from its beginning.
    public var availableFrom: Instant

    public init(
        function: AggregateFunction,
        column: (index: Int, type: ValueType)?,
        length: Int64?,
        offset: Int64,
        defaultValue: FeatureValue?,
        availableFrom: Instant
    ) {
        self.function = function
        self.column = column
        self.length = length
        self.offset = offset
        self.defaultValue = defaultValue
        self.availableFrom = availableFrom
    }
}

/// A compiled list of aggregations over one history. Immutable; shared freely between threads.
public struct WindowPlan: Sendable {
    /// One result to produce.
    struct Output: Sendable {
        var cell: Int
        var function: AggregateFunction
        /// Index into the group's columns; nil counts events.
        var column: Int?
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
        var index: Int
        var kind: ColumnKind
        var parts: AccumulatorParts
    }

    /// Windows that end at the same instant.
    struct Group: Sendable {
        var offset: Int64
        var countsEvents: Bool
        var columns: [Column]
        /// Shortest first; `lifetime` last.
        var windows: [Window]
    }

    let groups: [Group]
    /// The number of results; results are numbered by the order of the aggregations.
    public let count: Int

    public init(_ aggregations: [PlannedAggregation]) {
        count = aggregations.count
        let offsets = Set(aggregations.map(\.offset)).sorted()
        groups = offsets.map { offset in
            Self.group(offset: offset, members: aggregations.enumerated().filter { $0.element.offset == offset })
        }
    }

    private static func group(offset: Int64, members: [EnumeratedSequence<[PlannedAggregation]>.Element]) -> Group {
        var columns: [Column] = []
        var columnOf: [Int: Int] = [:]
        for (_, aggregation) in members {
            guard let column = aggregation.column else { continue }
            let slot = columnOf[column.index] ?? columns.count
            if slot == columns.count {
                columnOf[column.index] = slot
                columns.append(Column(index: column.index, kind: ColumnKind(column.type), parts: []))
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
                outputs: members.filter { $0.element.length == length }.map { cell, aggregation in
                    Output(
                        cell: cell,
                        aggregation: aggregation,
                        column: aggregation.column.flatMap { columnOf[$0.index] }
                    )
                }
            )
        }
        return Group(
            offset: offset,
            countsEvents: members.contains { $0.element.column == nil },
            columns: columns,
            windows: windows
        )
    }
}

extension WindowPlan.Output {
    fileprivate init(cell: Int, aggregation: PlannedAggregation, column: Int?) {
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
