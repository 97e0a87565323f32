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
        edge: OracleQuery.Edge = .strict
    ) -> OracleAnswer {
        func isTombstone(_ event: OracleEvent) -> Bool {
            attribute.live.map { event.values[$0] == .null } ?? false
        }
        var newest: OracleEvent?
        for event in events {
            guard event.arrival <= knownAt, isBefore(event.time, asOf, edge) else { continue }
            if let filter = attribute.filter, event.values[filter] == .null, !isTombstone(event) { continue }
            if newest.map({ $0.isBefore(event) }) ?? true { newest = event }
        }
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
