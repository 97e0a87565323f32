import FeatureModel
import FeatureTesting
import Windowing

/// Events as ingest would insert them; owns their memory.
final class EventsBuilder {
    private(set) var events: EntityEvents

    /// - Parameter order: the order of insertion.
    init(_ list: [OracleEvent], types: [ValueType], shape: TreeShape = .standard, eventID: EventIDColumns? = nil) {
        events = EntityEvents(shape: shape)
        let batch = EventBatch(types: ColumnTypes(types, eventID: eventID), capacity: 1)
        for event in list { Self.append(event, to: batch) }
        for row in 0..<batch.count { events.insert(row, of: batch) }
    }

    deinit { events.free() }

    func insert(_ event: OracleEvent, types: [ValueType], eventID: EventIDColumns? = nil) -> Bool {
        let batch = EventBatch(types: ColumnTypes(types, eventID: eventID), capacity: 1)
        Self.append(event, to: batch)
        return events.insert(0, of: batch)
    }

    func removeArrivals(through arrival: Int64) { events.removeArrivals(through: arrival) }

    static func append(_ event: OracleEvent, to batch: EventBatch) {
        let row = batch.appendRows(1)
        batch.times[row] = event.time
        batch.arrivals[row] = event.arrival
        batch.streams[row] = event.stream.rawValue
        batch.offsets[row] = event.position.offset
        batch.keys[row] = 0
        var nulls: UInt64 = 0
        for column in batch.types.indices {
            // A null cell keeps garbage: nobody may look at it.
            var slot: UInt64 = 0xdead_beef_dead_beef
            switch event.values[column] {
            case .null: nulls |= 1 << UInt64(column)
            case .int64(let number): slot = UInt64(bitPattern: number)
            case .float64(let number): slot = number.bitPattern
            case .bool(let flag): slot = flag ? 1 : 0
            case .timestamp(let instant): slot = UInt64(bitPattern: instant.microseconds)
            case .string(let text): slot = Array(text.utf8).withUnsafeBytes { batch.store($0) }
            case .list, .map: preconditionFailure("no column has lists or maps")
            }
            batch.column(column)[row] = slot
        }
        batch.nulls[row] = nulls
    }
}

extension OracleEvent {
    var stream: StreamID {
        StreamID(
            source: UInt16(position.source),
            incarnation: UInt16(position.incarnation),
            partition: Int32(position.partition)
        )
    }
}

extension OracleQuery {
    func planned(_ types: [ValueType]) -> PlannedAggregation {
        PlannedAggregation(
            function: function,
            parameters: parameters,
            column: column.map { ($0, types[$0]) },
            groupBy: groupBy.map { ($0, types[$0]) },
            window: window,
            offset: offset,
            defaultValue: defaultValue == .null ? nil : defaultValue,
            filter: filter,
            availableFrom: availableFrom.map { Instant(microseconds: $0) } ?? .distantPast
        )
    }

    private var window: TimeWindow {
        if let newest { return .events(newest) }
        guard let length else { return .lifetime }
        return series.map { .series(count: $0, step: length) } ?? .sliding(microseconds: length)
    }

    func resultType(_ types: [ValueType]) -> FeatureType {
        window.type(of: function.resultType(of: column.map { types[$0] }, groupBy: groupBy.map { types[$0] }) ?? .int64)
    }
}

extension AggregateFunction {
    /// Whether it gives a category a single value, so that maps can hold it.
    var isGroupable: Bool { resultType(of: .int64, groupBy: .string) != nil }
}

extension Boundary {
    var edge: OracleQuery.Edge { self == .strict ? .strict : .inclusive }
}

/// Evaluates queries in one plan, each result in the oracle's form.
func evaluate(
    _ queries: [OracleQuery],
    _ events: [OracleEvent],
    types: [ValueType],
    asOf: Int64,
    knownAt: Int64,
    boundary: Boundary
) -> [OracleAnswer] {
    let plan = WindowPlan(queries.map { $0.planned(types) })
    let built = EventsBuilder(events, types: types)
    return evaluate(plan, queries, built.events, types: types, asOf: asOf, knownAt: knownAt, boundary: boundary)
}

func evaluate(
    _ plan: WindowPlan,
    _ queries: [OracleQuery],
    _ events: EntityEvents,
    types: [ValueType],
    asOf: Int64,
    knownAt: Int64,
    boundary: Boundary
) -> [OracleAnswer] {
    let cells = FeatureCells(capacity: queries.count)
    // Results go to any cells: here in reverse, so that a plan that ignores `outputs` is found out.
    let outputs = queries.indices.map { Int32(queries.count - 1 - $0) }
    plan.evaluate(
        events,
        asOf: Instant(microseconds: asOf),
        knownAt: Instant(microseconds: knownAt),
        boundary: boundary,
        into: cells,
        outputs: outputs
    )
    return queries.enumerated().map { index, query in
        let cell = queries.count - 1 - index
        let newest = cells.eventTimes[cell]
        return OracleAnswer(
            value: cells.value(cell, type: query.resultType(types)),
            status: cells.status(cell) ?? .outsideRetention,
            newest: newest == .min ? nil : newest
        )
    }
}
