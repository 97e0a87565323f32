// What tree nodes remember about the events below them: one state for each thing that some applied feature asks for.
//
//   views of a history --> distinct (column, mask) pairs, their parts united --> TileLayout --> states in every node
//
// A mask has the null bits of columns that must not be null for an event to count: the column's own, and a filter's.

/// The states of one history's nodes, in their order. Immutable; shared between threads.
public final class TileLayout: Sendable {
    struct Column: Hashable, Sendable {
        /// nil: counts events, whatever their columns hold.
        var index: Int?
        var kind: ColumnKind
        /// An event counts when its null word has none of these bits.
        var mask: UInt64
        var parts: AccumulatorParts
    }

    let columns: [Column]

    init(columns: [Column]) { self.columns = columns }

    /// The union of what these aggregations need.
    public convenience init(_ aggregations: [PlannedAggregation]) {
        var columns: [Column] = []
        for aggregation in aggregations {
            let wanted = aggregation.column
            if let found = Self.place(of: aggregation, in: columns) {
                columns[found].parts.formUnion(AccumulatorParts(aggregation.function))
            } else {
                columns.append(
                    Column(
                        index: wanted?.index,
                        kind: wanted.map { ColumnKind($0.type) } ?? .opaque,
                        mask: aggregation.mask,
                        parts: AccumulatorParts(aggregation.function)
                    )
                )
            }
        }
        self.init(columns: columns)
    }

    func place(of aggregation: PlannedAggregation) -> Int? { Self.place(of: aggregation, in: columns) }

    private static func place(of aggregation: PlannedAggregation, in columns: [Column]) -> Int? {
        columns.firstIndex { $0.index == aggregation.column?.index && $0.mask == aggregation.mask }
    }

    /// Whether nodes filled for `other` serve this layout too.
    func isSame(as other: TileLayout) -> Bool { self === other || columns == other.columns }
}
