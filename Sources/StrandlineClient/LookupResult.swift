public import FeatureModel
public import WireProtocol

/// The answer to a lookup.
public struct LookupResult: Hashable, Sendable {
    /// The T that was used.
    public var asOf: Instant
    /// The K that was used: asking again with both gives the same bits.
    public var knownAt: Instant
    public var features: [PreparedReply.Feature]
    /// One row an entity, in the order asked; one cell a feature, in the order of `features`.
    public var rows: [[FeatureCell]]

    /// The cell of a feature, by `view:feature`; nil when the lookup has no such feature. Traps outside the rows.
    public subscript(row: Int, reference: String) -> FeatureCell? {
        guard let column = features.firstIndex(where: { $0.reference == reference }) else { return nil }
        return rows[row][column]
    }
}

/// The answer to `rows`: columns, since training sets are read by column.
public struct ColumnsResult: Hashable, Sendable {
    /// The K that was used for every row.
    public var knownAt: Instant
    public var features: [PreparedReply.Feature]
    /// How many rows every column has.
    public var count: Int
    /// In the order of `features`; rows in the order asked.
    public var columns: [FeatureColumn]
}
