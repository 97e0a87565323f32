// `group_by`: the events of each category by themselves, and the function over each.

import FeatureModel

extension NaiveOracle {
    /// Over events that have a category, oldest first: the map, categories ascending; `.null` without any event, nil for
    /// OVERFLOW.
    static func byCategory(
        _ category: Int,
        _ query: OracleQuery,
        over events: [OracleEvent],
        asOf: Int64
    ) -> FeatureValue? {
        if events.isEmpty { return .null }
        let categories = firstDistinct(events.map { $0.values[category] }, events.count)
        let byBytes = Dictionary(grouping: events) { bytes(of: $0.values[category]) }
        let members = categories.map { byBytes[bytes(of: $0)] ?? [] }
        let most = query.parameters.maxDistinct ?? FunctionParameters.maxDistinctDefault
        if categories.count > most { return nil }
        if query.function == .countDistinct, let column = query.column {
            // All categories together have no more distinct values than that.
            let pairs = members.map { events in
                Set(events.map { $0.values[column] }.filter { $0 != .null }.map { bytes(of: $0) }).count
            }
            if pairs.reduce(0, +) > most { return nil }
        }
        let ranked = categories.indices.sorted { a, b in
            members[a].count != members[b].count
                ? members[a].count > members[b].count : isLess(categories[a], categories[b])
        }
        let chosen = ranked.prefix(query.parameters.maxGroups ?? FunctionParameters.maxGroupsDefault)
        var entries: [FeatureValue.Entry] = []
        for place in chosen.sorted(by: { isLess(categories[$0], categories[$1]) }) {
            let counted = members[place].filter { event in query.column.map { event.values[$0] != .null } ?? true }
            let result = counted.isEmpty ? ofNothing(query.function) : value(of: query, over: counted, asOf: asOf)
            guard let result else { return nil }
            entries.append(FeatureValue.Entry(key: categories[place], value: result))
        }
        return .map(entries)
    }
}
