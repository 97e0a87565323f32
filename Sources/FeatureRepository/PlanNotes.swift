// Features whose past is not in the store yet. History is kept per (source, entity), with the columns that its views
// use; what no view used was never stored.

import FeatureModel

func partialNotes(from applied: FeatureStoreDefinition, to new: FeatureStoreDefinition) -> [String] {
    var stored: [[String]: Set<String>] = [:]
    for view in applied.views {
        stored[[view.source, view.entity], default: []].formUnion(storedNames(view, applied))
    }
    let appliedSources = Set(applied.sources.map(\.name))
    var notes: [String] = []
    for view in new.views where appliedSources.contains(view.source) {
        guard let columns = stored[[view.source, view.entity]] else {
            notes.append(
                "view '\(view.name)' is the first one of source '\(view.source)' for entity '\(view.entity)': events consumed so far "
                    + "are not in its history; its features start with PARTIAL until a replay"
            )
            continue
        }
        var newColumns: [String] = []
        for column in storedNames(view, new)
        where !columns.contains(column) && !newColumns.contains(column) {
            newColumns.append(column)
        }
        for column in newColumns {
            let isFilter = view.filterColumn?.name == column
            let features = view.features.filter { feature in
                isFilter || feature.columns.contains { view.storedColumn($0).name == column }
            }.map(\.name).joined(separator: ", ")
            notes.append(
                "view '\(view.name)': no view used \(isFilter ? "this filter" : "column '\(column)'") so far, so it is not in the history; "
                    + "\(features) start with PARTIAL until a replay"
            )
        }
    }
    return notes
}

/// `lifetime` features that come to a view whose history is dropped in time: what they need of events that are gone was not
/// kept.
func lifetimeNotes(from applied: FeatureStoreDefinition, to new: FeatureStoreDefinition) -> [String] {
    new.featureViews.compactMap { view in
        guard let length = applied.historyLength(of: view.source) else { return nil }
        let known = Set(
            applied.featureViews.filter { $0.source == view.source && $0.entity == view.entity }.flatMap { old in
                old.aggregations.map { LifetimeState($0, of: old) }
            }
        )
        let features = view.aggregations.filter {
            $0.timeWindow == .lifetime && !known.contains(LifetimeState($0, of: view))
        }
        guard !features.isEmpty else { return nil }
        let names = features.map(\.name).joined(separator: ", ")
        return "view '\(view.name)': \(names) \(features.count == 1 ? "asks" : "ask") for the whole past, and source "
            + "'\(view.source)' keeps \(TimeWindow.text(microseconds: length)): OUTSIDE_RETENTION for entities that have lost "
            + "events, until a replay"
    }
}

/// What a `lifetime` feature keeps of dropped events.
private struct LifetimeState: Hashable {
    var function: AggregateFunction
    var parameters: FunctionParameters
    var column: String?
    var category: String?
    var filter: String?

    /// Features with other windows keep nothing: they are like no `lifetime` feature.
    init(_ aggregation: Aggregation, of view: FeatureView) {
        function = aggregation.function
        parameters = aggregation.parameters
        column = aggregation.timeWindow == .lifetime ? aggregation.column.map { view.storedColumn($0).name } : "\u{0}"
        category = aggregation.groupBy.map { view.storedColumn($0).name }
        filter = view.filterColumn?.name
    }
}

private func storedNames(_ view: any EventView, _ definition: FeatureStoreDefinition) -> [String] {
    guard let source = definition.sources.first(where: { $0.name == view.source }) else { return [] }
    // A mark of tombstones or duplicates that a history lacks is refused, not noted.
    return view.storedColumns(of: source).map(\.column).filter { column in
        if case .counts = column { false } else { column != .live }
    }.map(\.name)
}
