public import FeatureModel

/// An event as the oracle sees it.
public struct OracleEvent: Hashable, Sendable {
    /// A record's place in its log.
    public struct Place: Hashable, Sendable {
        public var source: Int
        public var incarnation: Int
        public var partition: Int
        public var offset: Int64
        public init(source: Int = 1, incarnation: Int = 1, partition: Int = 0, offset: Int64) {
            self.source = source
            self.incarnation = incarnation
            self.partition = partition
            self.offset = offset
        }
    }

    /// Microseconds.
    public var time: Int64
    public var arrival: Int64
    public var position: Place
    /// One a column.
    public var values: [FeatureValue]

    public init(time: Int64, arrival: Int64, position: Place, values: [FeatureValue]) {
        self.time = time
        self.arrival = arrival
        self.position = position
        self.values = values
    }

    /// Whether this event stands before another in the total order (event time, position).
    func isBefore(_ other: OracleEvent) -> Bool {
        if time != other.time { return time < other.time }
        if position.source != other.position.source { return position.source < other.position.source }
        if position.incarnation != other.position.incarnation {
            return position.incarnation < other.position.incarnation
        }
        if position.partition != other.position.partition { return position.partition < other.position.partition }
        return position.offset < other.position.offset
    }
}
