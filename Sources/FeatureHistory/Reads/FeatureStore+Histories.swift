// Reading what a history holds, as it is: for auditors. Small pieces, each under a lock for as long as a copy takes.
//
//   sampleEntities   keys | random places in the leaves' key space | random slots of resident entities |
//   entityEvents     page | events in order, up to a limit | next place | what history has dropped |

public import FeatureModel

import RocksDB
public import Windowing

/// A piece of an entity's events.
public struct EntityEventsPage {
    /// In event order, all that are there whatever their arrival; without keys.
    public var events: EventBatch
    /// The last event here when there are further ones; else nil.
    public var next: EventOrder?
    /// What history has dropped of the entity; nil when nothing is gone.
    public var dropped: DroppedEvents?
    /// The source's horizon when this was read; `distantPast` while all is kept.
    public var horizon: Instant
}

extension FeatureStore {
    /// The most entities of one sample.
    public static let sampleMax = 1000
    /// The most events of one page.
    public static let pageEventsMax = 10_000
    /// A page ends with the event whose strings take it beyond so many bytes.
    static let pageBytesMax = 1 << 20

    /// One page of an entity's events. Blocking.
    ///
    /// - Parameters:
    ///   - key: the join keys' values, as `EntityKey` writes them.
    ///   - place: `next` of the page before; nil begins.
    ///   - eventsMax: held at `pageEventsMax`, and at 1 from below.
    public func entityEvents(
        of history: HistorySchema,
        key: [UInt8],
        after place: EventOrder?,
        eventsMax: Int
    ) throws(StoreError) -> EntityEventsPage {
        let identity = key.withUnsafeBytes { EntityIdentity(history: history.id, key: $0).copy }
        let events = EventBatch(types: history.types, capacity: 64)
        while true {
            let catalog = catalog
            var page = EntityEventsPage(
                events: events,
                horizon: catalog.sources[history.source]?.horizon ?? .distantPast
            )
            let isRead = try readEvents(
                of: identity,
                history: history.id,
                types: history.types,
                retention: catalog.retentions[history.id] ?? .none
            ) { stored in
                let hasMore = stored.copy(
                    after: place ?? .first,
                    eventsMax: min(max(1, eventsMax), Self.pageEventsMax),
                    bytesMax: Self.pageBytesMax,
                    to: events
                )
                if hasMore, events.count > 0 { page.next = events.eventOrder(events.count - 1) }
                page.dropped = stored.dropped
            }
            if isRead { return page }
        }
    }

    /// Entities of a history, drawn at random: about half of them from what leaves hold, the rest from memory. Each once;
    /// fewer than asked for where there are not enough, or where draws met the same ones. Blocking.
    ///
    /// Entities behind a gap in the key space are drawn more often than others.
    ///
    /// - Parameters:
    ///   - count: held at `sampleMax`.
    ///   - seed: the same one draws the same entities from leaves while the store stands still, and from memory while the
    ///     process lives too.
    /// - Returns: entity keys, in the order in which they were drawn.
    public func sampleEntities(of history: HistorySchema, count: Int, seed: UInt64) throws(StoreError) -> [[UInt8]] {
        let count = min(max(0, count), Self.sampleMax)
        var random = SeededPlaces(state: seed)
        var drawn: [[UInt8]] = []
        var seen: Set<[UInt8]> = []
        func take(_ identity: [UInt8]) {
            guard drawn.count < count, seen.insert(identity).inserted else { return }
            // Behind history and length stands the key.
            drawn.append(Array(identity.dropFirst(6)))
        }
        for identity in try storedEntities(of: history, draws: (count + 1) / 2, &random) { take(identity) }
        // Of a small store most shards are empty.
        let filled = resident.shards.map { ($0, $0.slotCount) }.filter { $0.1 > 0 }
        var draws = count * 4
        while drawn.count < count, draws > 0, let (shard, slots) = filled.randomElement(using: &random) {
            draws -= 1
            let start = Int.random(in: 0..<slots, using: &random)
            if let identity = shard.identity(in: start..<(start + 64), history: StoreKeys.history(history.id)) {
                take(identity)
            }
        }
        return drawn
    }

    /// Identities of entities that have leaves: at random places in the key space, and a few entities on from there.
    private func storedEntities(of history: HistorySchema, draws: Int, _ random: inout SeededPlaces) throws(StoreError)
        -> [[UInt8]]
    {
        var iterator = try storing { () throws(RocksDBError) in
            try database.makeIterator(
                in: families.leaves,
                lowerBound: StoreKeys.history(history.id),
                upperBound: StoreKeys.history(history.id &+ 1),
                fillCache: false
            )
        }
        iterator.seekToLast()
        guard iterator.isValid, let last = StoreKeys.identity(in: iterator.key) else {
            try check(iterator)
            return []
        }
        iterator.seekToFirst()
        guard iterator.isValid, let first = StoreKeys.identity(in: iterator.key) else {
            try check(iterator)
            return []
        }
        var identities: [[UInt8]] = []
        for _ in 0..<draws {
            iterator.seek(to: random.place(between: first, and: last))
            if !iterator.isValid { iterator.seekToFirst() }
            var steps = Int.random(in: 0..<8, using: &random)
            while iterator.isValid, let identity = StoreKeys.identity(in: iterator.key) {
                identities.append(identity)
                guard steps > 0 else { break }
                steps -= 1
                identities.removeLast()
                iterator.seek(to: LeafWriter.upperBound(identity))
                if !iterator.isValid { identities.append(identity) }
            }
        }
        try check(iterator)
        return identities
    }
}

/// Random places, the same for the same seed (SplitMix64).
private struct SeededPlaces: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Bytes between two keys, both ends included: what they have in common, and eight bytes between those that follow.
    mutating func place(between first: [UInt8], and last: [UInt8]) -> [UInt8] {
        let common = zip(first, last).prefix { $0 == $1 }.count
        func number(_ key: [UInt8]) -> UInt64 {
            (0..<8).reduce(0) { $0 << 8 | UInt64(common + $1 < key.count ? key[common + $1] : 0) }
        }
        let (low, high) = (number(first), number(last))
        return Array(first.prefix(common)) + StoreKeys.number(low < high ? .random(in: low...high, using: &self) : low)
    }
}
