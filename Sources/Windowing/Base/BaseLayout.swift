import FeatureModel

/// What an entity keeps of the events that its history has dropped. Immutable; shared between threads.
public final class BaseLayout: Sendable {
    /// The states of the `lifetime` features.
    let columns: [TileLayout.Column]
    let functions: [TileLayout.Function]
    /// The attribute views: an event is a version when its null word has none of a mask's bits.
    let versionMasks: [UInt64]

    /// - Parameters:
    ///   - aggregations: all of the history; only `lifetime` ones keep anything.
    ///   - attributes: all of the history; of each list that is read together the newest version is kept.
    public init(_ aggregations: [PlannedAggregation], _ attributes: [PlannedAttribute] = []) {
        let tiles = TileLayout(aggregations.filter { $0.window == .lifetime })
        columns = tiles.columns
        functions = tiles.functions
        versionMasks = Array(Set(attributes.map(\.mask))).sorted()
    }
}
