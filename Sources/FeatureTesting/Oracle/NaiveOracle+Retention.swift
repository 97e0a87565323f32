// What history has dropped of an entity, and which questions that leaves without an answer.

import FeatureModel

extension NaiveOracle {
    /// The events that are gone: from the oldest on, up to the first whose time or arrival is not before the horizon.
    /// With an `event_id`, none of an instant that is not gone as a whole.
    public static func dropped(_ events: [OracleEvent], before horizon: Int64, eventID: Int? = nil) -> [OracleEvent] {
        var gone: [OracleEvent] = []
        for event in events.sorted(by: { $0.isBefore($1) }) {
            if event.time >= horizon || event.arrival >= horizon { break }
            gone.append(event)
        }
        if eventID != nil {
            let kept = events.filter { !gone.contains($0) }
            gone.removeAll { event in kept.contains { $0.time == event.time } }
        }
        return gone
    }

    /// Whether a window needs events that are gone one by one, or a K at which some of them were not known yet.
    static func needs(
        _ gone: [OracleEvent],
        _ query: OracleQuery,
        _ events: [OracleEvent],
        asOf: Int64,
        knownAt: Int64,
        _ edge: OracleQuery.Edge
    ) -> Bool {
        guard let oldest = gone.map(\.time).min(), let newest = gone.map(\.time).max() else { return false }
        if gone.contains(where: { $0.arrival > knownAt }) { return true }
        if let wanted = query.newest {
            let kept = events.filter { event in
                event.arrival <= knownAt && !gone.contains(event) && covers(event.time, query, asOf, edge)
                    && query.filter.map { event.values[$0] != .null } ?? true
            }
            return kept.count < wanted && covers(oldest, query, asOf, edge)
        }
        guard query.length == nil else {
            // Anywhere between the oldest and the newest of them.
            return (oldest...newest).overlaps(instants(of: query, asOf, edge))
        }
        // For the whole past a sum of what is gone is kept: good for all of them or none.
        let inside = gone.filter { covers($0.time, query, asOf, edge) }
        return !inside.isEmpty && inside.count < gone.count
    }

    /// The instants that a window with a length covers; microseconds, both ends included.
    private static func instants(of query: OracleQuery, _ asOf: Int64, _ edge: OracleQuery.Edge) -> ClosedRange<Int64> {
        let end = asOf - query.offset
        let length = query.length ?? 0
        return edge == .strict ? (end - length)...(end - 1) : (end - length + 1)...end
    }
}
