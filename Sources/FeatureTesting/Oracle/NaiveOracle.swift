// The oracle: what a feature's value must be, by loops that anyone can check by reading. It shares no code with what it
// judges; only plain values (`FeatureValue`, `FeatureStatus`, `AggregateFunction`, `FunctionParameters`) are common.
//
//   events --> known at K --> inside the window --> column not null --> in order --> one function --> status
//
// A function's result is a value, `.null` where there is none, or nil for OVERFLOW.

import FeatureModel

public enum NaiveOracle {
    public static func value(
        _ events: [OracleEvent],
        _ query: OracleQuery,
        asOf: Int64,
        knownAt: Int64,
        edge: OracleQuery.Edge = .strict,
        horizon: Int64? = nil,
        eventID: Int? = nil
    ) -> OracleAnswer {
        let lost = horizon.map { dropped(events, before: $0, eventID: eventID) } ?? []
        let events = withoutDuplicates(events, eventID, knownAt: knownAt)
        let known = events.filter { $0.arrival <= knownAt }
        let isFound = known.contains { isBefore($0.time, asOf, edge) }
        // A window is one query; a series is one for each of its windows, the oldest first.
        let queries = query.series.map { count in
            (0..<count).reversed().map { number in
                var one = query
                one.offset = query.offset + Int64(number) * (query.length ?? 0)
                return one
            }
        }
        if (queries ?? [query]).contains(where: { needs(lost, $0, events, asOf: asOf, knownAt: knownAt, edge) }) {
            return OracleAnswer(value: .null, status: .outsideRetention, newest: nil)
        }
        let windows = (queries ?? [query]).map { window($0, over: known, asOf: asOf, edge) }
        let results = windows.map { $0.result == .null ? query.defaultValue : $0.result }
        var result = results[0]
        if queries != nil { result = results.contains(nil) ? nil : .list(results.map { $0 ?? .null }) }

        let status: FeatureStatus
        if !isFound {
            status = .notFound
        } else if result == nil {
            status = .overflow
        } else if windows.contains(where: \.startsEarly) {
            status = .partial
        } else if result == .null {
            status = .nullValue
        } else {
            status = .present
        }
        return OracleAnswer(value: result ?? .null, status: status, newest: windows.compactMap(\.newest).max())
    }

    /// One window's result (nil is an overflow), its newest event that counts, and whether it starts before data does.
    private static func window(
        _ query: OracleQuery,
        over known: [OracleEvent],
        asOf: Int64,
        _ edge: OracleQuery.Edge
    ) -> (result: FeatureValue?, newest: Int64?, startsEarly: Bool) {
        var inside = known.filter { event in
            covers(event.time, query, asOf, edge) && query.filter.map { event.values[$0] != .null } ?? true
        }
        inside.sort { $0.isBefore($1) }
        var startsEarly = query.availableFrom.map { startsBefore($0, query, asOf, edge) } ?? false
        if let newest = query.newest {
            let isShort = inside.count < newest
            inside = Array(inside.suffix(newest))
            // With all that it asks for, the window begins at its oldest event; else at the beginning of time.
            startsEarly = query.availableFrom.map { from in isShort || inside[0].time < from } ?? false
        }
        if let category = query.groupBy {
            let members = inside.filter { $0.values[category] != .null }
            return (byCategory(category, query, over: members, asOf: asOf), members.last?.time, startsEarly)
        }
        let counted = inside.filter { event in query.column.map { event.values[$0] != .null } ?? true }
        let result = counted.isEmpty ? ofNothing(query.function) : value(of: query, over: counted, asOf: asOf)
        return (result, counted.last?.time, startsEarly)
    }

    /// Over an empty window.
    static func ofNothing(_ function: AggregateFunction) -> FeatureValue {
        switch function {
        case .count, .countDistinct, .approxCountDistinct: .int64(0)
        case .decayedCount: .float64(0)
        default: .null
        }
    }

    /// Over events that count, oldest first, at least one.
    static func value(of query: OracleQuery, over events: [OracleEvent], asOf: Int64) -> FeatureValue? {
        let parameters = query.parameters
        // Functions without a column have no use for values.
        let values = query.column.map { column in events.map { $0.values[column] } } ?? []
        switch query.function {
        case .count: return .int64(Int64(events.count))
        case .sum: return sum(values)
        case .mean: return mean(values)
        case .min: return extreme(values, isMinimum: true)
        case .max: return extreme(values, isMinimum: false)
        case .first: return values.first
        case .last: return values.last
        case .firstN: return .list(Array(values.prefix(given(parameters.n))))
        case .lastN: return .list(Array(values.suffix(given(parameters.n))))
        case .firstDistinctN: return .list(firstDistinct(values, given(parameters.n)))
        // Read backwards, a last appearance is a first one.
        case .lastDistinctN: return .list(firstDistinct(values.reversed(), given(parameters.n)).reversed())
        case .countDistinct: return counts(values, parameters).map { .int64(Int64($0.count)) }
        case .topK: return counts(values, parameters).map { .list(mostFrequent($0, given(parameters.n))) }
        case .histogram: return counts(values, parameters).map { .map($0) }
        case .approxCountDistinct: return .int64(NaiveHyperLogLog.estimate(of: values, parameters))
        case .approxPercentile: return .float64(percentile(values, parameters).answer)
        case .varPop: return populationVariance(values).map { .float64($0) }
        case .stddevPop: return populationVariance(values).map { .float64($0.squareRoot()) }
        case .varSamp: return values.count < 2 ? .null : sampleVariance(values).map { .float64($0) }
        case .stddevSamp: return values.count < 2 ? .null : sampleVariance(values).map { .float64($0.squareRoot()) }
        case .decayedSum: return decayed(events.map(\.time), values.map(double), query, asOf).map { .float64($0) }
        case .decayedCount: return decayed(events.map(\.time), events.map { _ in 1 }, query, asOf).map { .float64($0) }
        case .timeSinceLast: return events.last.map { .float64(seconds(from: $0.time, to: asOf)) }
        case .timeSinceFirst: return events.first.map { .float64(seconds(from: $0.time, to: asOf)) }
        }
    }

    /// A parameter that has no default: a query without it is a mistake of the test's.
    static func given<Parameter>(_ parameter: Parameter?) -> Parameter {
        guard let parameter else { preconditionFailure("the function lacks its parameter") }
        return parameter
    }

    /// The number that an int64 or float64 value is, as the nearest double.
    static func double(_ value: FeatureValue) -> Double {
        switch value {
        case .int64(let number): Double(number)
        case .float64(let number): number
        default: preconditionFailure("\(value) is no number")
        }
    }
}
