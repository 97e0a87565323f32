// What tree nodes remember about the events below them: one state for each thing that some applied feature asks for.
//
//   views of a history --> columns:    distinct (column, mask) pairs, their parts united  --> a ColumnAccumulator each
//                     \-> functions:  distinct (column, kind) pairs                      --> a FunctionState each
//
// A mask has the null bits of columns that must not be null for an event to count: the column's own, and a filter's.

import FeatureModel

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

    struct Function: Hashable, Sendable {
        /// The place of its column in `columns`.
        var column: Int
        var kind: StateKind
    }

    let columns: [Column]
    let functions: [Function]

    /// The union of what these aggregations and attributes need.
    public init(_ aggregations: [PlannedAggregation], _ attributes: [PlannedAttribute] = []) {
        var columns: [Column] = []
        var functions: [Function] = []
        for aggregation in aggregations {
            let column: Int
            if let found = Self.column(of: aggregation, in: columns) {
                column = found
                columns[found].parts.formUnion(aggregation.parts)
            } else {
                column = columns.count
                columns.append(
                    Column(
                        index: aggregation.counted?.index,
                        kind: aggregation.counted.map { ColumnKind($0.type) } ?? .flag,
                        mask: aggregation.mask,
                        parts: aggregation.parts
                    )
                )
            }
            if case .events = aggregation.window {
                // How many events of the view a node holds tells whether all of them are among the newest.
                if Self.events(of: aggregation, in: columns) == nil {
                    columns.append(Column(index: nil, kind: .flag, mask: aggregation.filterMask, parts: []))
                }
            }
            if let kind = aggregation.stateKind {
                let function = Function(column: column, kind: kind)
                if !functions.contains(function) { functions.append(function) }
            }
        }
        for mask in attributes.map(\.mask) where mask != 0 {
            // Whether a node holds any event of the view; without a filter every event is one.
            if !columns.contains(where: { $0.index == nil && $0.mask == mask }) {
                columns.append(Column(index: nil, kind: .flag, mask: mask, parts: []))
            }
        }
        self.columns = columns
        self.functions = functions
    }

    private static func column(of aggregation: PlannedAggregation, in columns: [Column]) -> Int? {
        columns.firstIndex { $0.index == aggregation.counted?.index && $0.mask == aggregation.mask }
    }

    private static func events(of aggregation: PlannedAggregation, in columns: [Column]) -> Int? {
        columns.firstIndex { $0.index == nil && $0.mask == aggregation.filterMask }
    }

    /// The place of the state that counts all events with this mask.
    func events(mask: UInt64) -> Int? { columns.firstIndex { $0.index == nil && $0.mask == mask } }

    func column(of aggregation: PlannedAggregation) -> Int? { Self.column(of: aggregation, in: columns) }

    /// The place of the state that an aggregation's function needs beside its column; nil when it needs none.
    func function(of aggregation: PlannedAggregation) -> Int? {
        guard let kind = aggregation.stateKind, let column = column(of: aggregation)
        else { return nil }
        return functions.firstIndex(of: Function(column: column, kind: kind))
    }

    /// Whether all that an aggregation needs is here.
    func serves(_ aggregation: PlannedAggregation) -> Bool {
        if case .events = aggregation.window, events(mask: aggregation.filterMask) == nil { return false }
        return column(of: aggregation) != nil
            && (aggregation.stateKind == nil || function(of: aggregation) != nil)
    }

    func serves(_ attribute: PlannedAttribute) -> Bool { attribute.mask == 0 || events(mask: attribute.mask) != nil }

    /// Whether nodes filled for `other` serve this layout too.
    func isSame(as other: TileLayout) -> Bool {
        self === other || (columns == other.columns && functions == other.functions)
    }
}
