import FeatureModel

/// An attribute as the oracle sees it: a column of the entity's newest version.
public struct OracleAttribute: Hashable, Sendable {
    public var column: Int
    /// A column that must not be null for an event to be a version; tombstones are versions all the same.
    public var filter: Int?
    /// A column that is null for tombstones.
    public var live: Int?
    /// Microseconds.
    public var maxAge: Int64?
    /// nil: from the beginning.
    public var availableFrom: Int64?

    public init(
        column: Int,
        filter: Int? = nil,
        live: Int? = nil,
        maxAge: Int64? = nil,
        availableFrom: Int64? = nil
    ) {
        self.column = column
        self.filter = filter
        self.live = live
        self.maxAge = maxAge
        self.availableFrom = availableFrom
    }
}

extension NaiveOracle {
    public static func value(
        _ events: [OracleEvent],
        _ attribute: OracleAttribute,
        asOf: Int64,
        knownAt: Int64,
        edge: OracleQuery.Edge = .strict,
        horizon: Int64? = nil,
        eventID: Int? = nil
    ) -> OracleAnswer {
        let all = horizon.map { dropped(events, before: $0, eventID: eventID) } ?? []
        let lost = OracleAnswer(value: .null, status: .outsideRetention, newest: nil)
        if all.contains(where: { $0.arrival > knownAt }) { return lost }
        let events = withoutDuplicates(events, eventID, knownAt: knownAt)
        let gone = events.filter { all.contains($0) }
        func isTombstone(_ event: OracleEvent) -> Bool {
            attribute.live.map { event.values[$0] == .null } ?? false
        }
        func isVersion(_ event: OracleEvent) -> Bool {
            attribute.filter.map { event.values[$0] != .null || isTombstone(event) } ?? true
        }
        // Of what is gone only the newest version is kept: nothing can be said of those before it.
        let last = gone.filter(isVersion).max { $0.isBefore($1) }
        var newest: OracleEvent?
        for event in events where isVersion(event) {
            guard event.arrival <= knownAt, isBefore(event.time, asOf, edge) else { continue }
            if newest.map({ $0.isBefore(event) }) ?? true { newest = event }
        }
        let isBehind = last.map { last in newest.map { $0.isBefore(last) } ?? true } ?? false
        if isBehind, all.contains(where: { isBefore($0.time, asOf, edge) }) { return lost }
        guard let version = newest, !isTombstone(version) else {
            return OracleAnswer(value: .null, status: .notFound, newest: nil)
        }
        if let maxAge = attribute.maxAge, Int128(asOf) - Int128(version.time) > Int128(maxAge) {
            return OracleAnswer(value: .null, status: .outsideMaxAge, newest: version.time)
        }
        let value = version.values[attribute.column]
        var status: FeatureStatus = value == .null ? .nullValue : .present
        if let from = attribute.availableFrom, version.time < from { status = .partial }
        return OracleAnswer(value: value, status: status, newest: version.time)
    }
}
