import FeatureModel
import FeatureTesting
import Windowing

/// Events as the columns that `WindowPlan` reads; owns the memory of the span.
final class SpanBuilder {
    private let words: UnsafeMutablePointer<UInt64>
    private let count: Int
    private let newestArrival: Int64
    private var heap: [UInt8] = []

    init(_ events: [OracleEvent], columns: Int) {
        let sorted = events.sorted { a, b in
            (a.time, a.stream.rawValue, a.position.offset) < (b.time, b.stream.rawValue, b.position.offset)
        }
        count = sorted.count
        newestArrival = sorted.map(\.arrival).max() ?? .min
        let total = max(1, count) * (3 + columns)
        words = .allocate(capacity: total)
        words.initialize(repeating: 0xdead_beef_dead_beef, count: total)
        for (row, event) in sorted.enumerated() {
            words[row] = UInt64(bitPattern: event.time)
            words[count + row] = UInt64(bitPattern: event.arrival)
            var nulls: UInt64 = 0
            for column in 0..<columns {
                // A null cell keeps its garbage: nobody may look at it.
                if let slot = slot(event.values[column]) {
                    words[(3 + column) * count + row] = slot
                } else {
                    nulls |= 1 << UInt64(column)
                }
            }
            words[2 * count + row] = nulls
        }
    }

    deinit { words.deallocate() }

    private func slot(_ value: FeatureValue) -> UInt64? {
        switch value {
        case .null: return nil
        case .int64(let number): return UInt64(bitPattern: number)
        case .float64(let number): return number.bitPattern
        case .bool(let flag): return flag ? 1 : 0
        case .timestamp(let instant): return UInt64(bitPattern: instant.microseconds)
        case .string(let text):
            defer { heap += Array(text.utf8) }
            return UInt64(heap.count) << 32 | UInt64(text.utf8.count)
        }
    }

    func withSpan<R>(_ body: (EventSpan) -> R) -> R {
        heap.withUnsafeBytes { heap in
            body(
                EventSpan(
                    count: count,
                    times: UnsafeRawPointer(words).assumingMemoryBound(to: Int64.self),
                    arrivals: UnsafeRawPointer(words + count).assumingMemoryBound(to: Int64.self),
                    nulls: words + 2 * count,
                    columns: words + 3 * count,
                    columnStride: count,
                    heap: heap,
                    newestArrival: newestArrival
                )
            )
        }
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
            column: column.map { ($0, types[$0]) },
            length: length,
            offset: offset,
            defaultValue: defaultValue == .null ? nil : defaultValue,
            availableFrom: availableFrom.map { Instant(microseconds: $0) } ?? .distantPast
        )
    }

    func resultType(_ types: [ValueType]) -> ValueType { function.resultType(of: column.map { types[$0] }) ?? .int64 }
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
    return SpanBuilder(events, columns: types.count).withSpan { span in
        evaluate(plan, queries, span, types: types, asOf: asOf, knownAt: knownAt, boundary: boundary)
    }
}

func evaluate(
    _ plan: WindowPlan,
    _ queries: [OracleQuery],
    _ span: EventSpan,
    types: [ValueType],
    asOf: Int64,
    knownAt: Int64,
    boundary: Boundary
) -> [OracleAnswer] {
    let cells = FeatureCells(capacity: queries.count)
    // Results go to any cells: here in reverse, so that a plan that ignores `outputs` is found out.
    let outputs = queries.indices.map { Int32(queries.count - 1 - $0) }
    plan.evaluate(
        span,
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
