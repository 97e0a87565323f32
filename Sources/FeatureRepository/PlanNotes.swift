// Features whose past is not in the store yet. History is kept per (source, entity), with the columns that its views
// use; what no view used was never stored.

import FeatureModel

func partialNotes(from applied: FeatureStoreDefinition, to new: FeatureStoreDefinition) -> [String] {
    var stored: [[String]: Set<String>] = [:]
    for view in applied.featureViews {
        stored[[view.source, view.entity], default: []].formUnion(storedNames(view, applied))
    }
    let appliedSources = Set(applied.sources.map(\.name))
    var notes: [String] = []
    for view in new.featureViews where appliedSources.contains(view.source) {
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
            let features = view.aggregations.filter { aggregation in
                isFilter || aggregation.columnsRead.contains { view.storedColumn($0).name == column }
            }.map(\.name).joined(separator: ", ")
            notes.append(
                "view '\(view.name)': no view used \(isFilter ? "this filter" : "column '\(column)'") so far, so it is not in the history; "
                    + "\(features) start with PARTIAL until a replay"
            )
        }
    }
    return notes
}

private func storedNames(_ view: FeatureView, _ definition: FeatureStoreDefinition) -> [String] {
    guard let source = definition.sources.first(where: { $0.name == view.source }) else { return [] }
    return view.storedColumns(of: source).map(\.column.name)
}
