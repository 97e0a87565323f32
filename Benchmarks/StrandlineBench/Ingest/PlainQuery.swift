// Random questions, answered from plain arrays: one pass over all records, integers only, one rounding.

import FeatureHistory
import FeatureModel
import Windowing

/// One entity, one T, one feature.
struct PlainQuery: CustomStringConvertible {
    var user: Int64
    var asOf: Int64
    /// The place among `BenchDefinition.references`.
    var feature: Int

    private var window: String { BenchDefinition.windows[feature / BenchDefinition.functions.count] }
    fileprivate var function: AggregateFunction { BenchDefinition.functions[feature % BenchDefinition.functions.count] }
    /// Parsed anew on every call.
    fileprivate var length: Int64 { TimeWindow.microseconds(in: window) ?? 0 }

    var description: String { "user \(user), T \(Instant(microseconds: asOf).iso8601), \(function) over \(window)" }

    /// A quarter asks for any entity at any T; a quarter for a random record's entity, so for frequent ones more often;
    /// half for that entity at, right before or right after the record, or when the record leaves the window.
    static func draw(_ count: Int, from topic: PlainTopic, seed: UInt64) -> [PlainQuery] {
        guard let first = topic.times.min(), let last = topic.times.max(), let largest = topic.users.max() else {
            return []
        }
        var draws: UInt64 = 0
        func random(_ bound: Int64) -> Int64 {
            draws += 1
            return Int64(mixed(seed, draws) % UInt64(bound))
        }
        let features = Int64(BenchDefinition.windows.count * BenchDefinition.functions.count)
        let hour: Int64 = 3_600_000_000
        return (0..<count).map { number in
            let place = Int(random(Int64(topic.count)))
            var query = PlainQuery(user: topic.users[place], asOf: 0, feature: Int(random(features)))
            if number % 4 == 0 { query.user = random(largest + 1) }
            query.asOf =
                number % 4 < 2
                ? first - hour + random(last - first + 2 * hour)
                : topic.times[place] + random(2) * query.length + random(3) - 1
            return query
        }
    }

    func read(_ store: FeatureStore, _ plan: LookupPlan, _ scratch: ReadScratch) throws -> FeatureValue {
        guard let key = EntityKey.encode([.int64(user)]) else { throw BenchError("no key for \(user)") }
        let point = ReadPoint(asOf: Instant(microseconds: asOf), knownAt: store.newestCommit)
        try key.withUnsafeBytes { try store.read(plan, key: $0, at: point, scratch) }
        return scratch.cells.value(feature, type: plan.features[feature].type)
    }

    /// Bit for bit.
    static func isSame(_ a: FeatureValue, _ b: FeatureValue) -> Bool {
        if case .float64(let a) = a, case .float64(let b) = b { return a.bitPattern == b.bitPattern }
        return a == b
    }
}

extension PlainTopic {
    /// The value of each query: over the records of its entity with T - length <= time < T.
    func answers(to queries: [PlainQuery]) -> [FeatureValue] {
        var byUser: [Int64: [Int]] = [:]
        for (number, query) in queries.enumerated() { byUser[query.user, default: []].append(number) }
        let lengths = queries.map(\.length)
        var windows = queries.map { _ in PlainWindow() }
        for record in 0..<count {
            guard let numbers = byUser[users[record]] else { continue }
            for number in numbers {
                let end = queries[number].asOf
                guard times[record] < end, times[record] >= end - lengths[number] else { continue }
                windows[number].add(cents: cents[record])
            }
        }
        return zip(queries, windows).map { $1.value(of: $0.function) }
    }
}
