// Features whose past is not in the store yet. History is kept per (source, entity), with the columns that its views
// use; what no view used was never stored.

import FeatureModel

func partialNotes(from applied: FeatureStoreDefinition, to new: FeatureStoreDefinition) -> [String] {
    var stored: [[String]: Set<String>] = [:]
    for view in applied.featureViews {
        stored[[view.source, view.entity], default: []].formUnion(view.aggregations.compactMap(\.column))
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
        for column in view.aggregations.compactMap(\.column)
        where !columns.contains(column) && !newColumns.contains(column) {
            newColumns.append(column)
        }
        for column in newColumns {
            let features = view.aggregations.filter { $0.column == column }.map(\.name).joined(separator: ", ")
            notes.append(
                "view '\(view.name)': no view used column '\(column)' so far, so it is not in the history; "
                    + "\(features) start with PARTIAL until a replay"
            )
        }
    }
    return notes
}
