// What count_distinct, top_k and histogram read.

extension DistinctValues {
    /// Whether more than `maxDistinct` values are distinct. There are no other results then.
    public var isOverflowed: Bool { settled.hasOverflowed }

    /// How many values are distinct; nil when overflowed.
    public var distinctCount: Int? {
        let settled = settled
        return settled.hasOverflowed ? nil : settled.entries.count
    }

    /// The same or fewer, without a look at what is pending; more than any bound when overflowed.
    var distinctAtLeast: Int { hasOverflowed ? .max : entries.count }

    /// Values with their counts, ascending by value; nil when overflowed.
    public var ascending: [(slot: UInt64, count: Int64)]? {
        let settled = settled
        if settled.hasOverflowed { return nil }
        return settled.entries.withEntries { $0.map { (order.slot($0.key), $0.count) } }
    }

    /// The k most frequent values, the most frequent first and equally frequent ones ascending; nil when overflowed.
    public func top(_ k: Int) -> [(slot: UInt64, count: Int64)]? {
        let settled = settled
        if settled.hasOverflowed { return nil }
        return settled.entries.withEntries { entries in
            LargestCounts.places(k, of: entries.lazy.map(\.count)).map {
                (order.slot(entries[$0].key), entries[$0].count)
            }
        }
    }
}
