// A cell by naive recomputation: the oracle of the tests over an entity's raw events. Where history has dropped some of
// them, only cells that need none of those have an answer.

import FeatureModel
import FeatureTesting

extension RawHistory {
    /// - Returns: nil when the value cannot be told from the events that are left.
    func answer(_ feature: AuditedFeature, asOf: Int64, knownAt: Int64, edge: OracleQuery.Edge) -> OracleAnswer? {
        if let dropped, knownAt < dropped.newestArrival { return nil }
        switch feature.meaning {
        case .derived: return nil
        case .aggregation(let aggregation, let view):
            return value(of: aggregation, view, asOf, knownAt, edge)
        case .attribute(let attribute, let view):
            return value(of: attribute, view, asOf, knownAt, edge)
        }
    }

    private func value(
        of aggregation: Aggregation,
        _ view: FeatureView,
        _ asOf: Int64,
        _ knownAt: Int64,
        _ edge: OracleQuery.Edge
    ) -> OracleAnswer? {
        let read = aggregation.columnsRead.map { view.storedColumn($0) }
        let filter = view.filterColumn
        guard (read + [filter].compactMap { $0 }).allSatisfy({ index(of: $0) != nil }) else { return nil }
        func place(_ name: String?) -> Int? { name.flatMap { index(of: view.storedColumn($0)) } }
        var query = OracleQuery(
            function: aggregation.function,
            parameters: aggregation.parameters,
            column: place(aggregation.column),
            groupBy: place(aggregation.groupBy),
            length: nil,
            filter: countedMark(of: view),
            offset: aggregation.offset,
            defaultValue: aggregation.defaultValue ?? .null,
            availableFrom: availableFrom(of: read + [filter].compactMap { $0 })
        )
        switch aggregation.timeWindow {
        case .sliding(let length): query.length = length
        case .lifetime: break
        case .events(let count): query.newest = count
        case .series(let count, let step):
            query.length = step
            query.series = count
        }
        guard let dropped else {
            return NaiveOracle.value(events, query, asOf: asOf, knownAt: knownAt, edge: edge, eventID: eventID)
        }
        guard isWhole(aggregation.timeWindow, query, asOf, knownAt, edge, dropped) else { return nil }
        // That there were events is known of the dropped ones; where this one stands no window reaches.
        let gone = OracleEvent(
            time: dropped.lastTime,
            arrival: dropped.newestArrival,
            position: OracleEvent.Place(source: 0, incarnation: 0, offset: .min),
            values: events.first.map { $0.values.map { _ in .null } } ?? []
        )
        if events.isEmpty { return nil }
        return NaiveOracle.value(
            [gone] + events,
            query,
            asOf: asOf,
            knownAt: knownAt,
            edge: edge,
            eventID: eventID
        )
    }

    /// Whether a window needs none of the dropped events.
    private func isWhole(
        _ window: TimeWindow,
        _ query: OracleQuery,
        _ asOf: Int64,
        _ knownAt: Int64,
        _ edge: OracleQuery.Edge,
        _ dropped: Dropped
    ) -> Bool {
        let end = Int128(asOf) - Int128(query.offset)
        if case .events(let count) = window {
            let inside = NaiveOracle.withoutDuplicates(events, eventID, knownAt: knownAt).count { event in
                event.arrival <= knownAt && (edge == .strict ? Int128(event.time) < end : Int128(event.time) <= end)
                    && query.filter.map { event.values[$0] != .null } ?? true
            }
            return inside >= count
        }
        guard let reach = window.reach else { return false }
        return end - Int128(reach) > Int128(dropped.lastTime)
    }

    private func value(
        of attribute: Attribute,
        _ view: AttributeView,
        _ asOf: Int64,
        _ knownAt: Int64,
        _ edge: OracleQuery.Edge
    ) -> OracleAnswer? {
        let stored = view.storedColumn(attribute.column)
        guard let column = index(of: stored) else { return nil }
        let filter = view.filterColumn
        if let filter, index(of: filter) == nil { return nil }
        let asked = OracleAttribute(
            column: column,
            filter: filter.flatMap { index(of: $0) },
            live: index(of: .live),
            maxAge: view.maxAge,
            availableFrom: availableFrom(of: [stored] + [filter].compactMap { $0 })
        )
        if dropped != nil {
            // A version that is left is newer than all that are gone.
            let hasVersion = events.contains { event in
                let isTombstone = asked.live.map { event.values[$0] == .null } ?? false
                return event.arrival <= knownAt && (edge == .strict ? event.time < asOf : event.time <= asOf)
                    && asked.filter.map { isTombstone || event.values[$0] != .null } ?? true
            }
            guard hasVersion else { return nil }
        }
        return NaiveOracle.value(events, asked, asOf: asOf, knownAt: knownAt, edge: edge, eventID: eventID)
    }
}
