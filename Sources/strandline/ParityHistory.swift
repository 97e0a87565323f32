import FeatureModel
import FeatureServer
import FeatureTesting
import StrandlineClient

/// All events that the store has of one entity of a source, as the oracle takes them.
struct RawHistory {
    /// What a server says about a history beside its events; while it stays the same, so does what can be asked.
    struct Outline: Equatable {
        var definitionHash: String
        var horizon: String?
        var dropped: EntityHistoryMessage.Dropped?

        init(_ page: EntityHistoryMessage) {
            (definitionHash, horizon, dropped) = (page.definitionHash, page.horizon, page.dropped)
        }
    }

    /// The events that are gone, as far as answers depend on them. Microseconds.
    struct Dropped {
        var lastTime: Int64
        var newestArrival: Int64
    }

    let outline: Outline
    private(set) var events: [OracleEvent] = []
    private(set) var dropped: Dropped?
    private let availableFrom: Int64?
    private var columns: [String: (index: Int, availableFrom: Int64?)] = [:]
    private var types: [ValueType] = []
    /// Columns that are there where both a filter's mark and the live mark are, by the filter's.
    private var counted: [Int: Int] = [:]
    private var stringBytes = 0

    /// Entities with more are passed over: naive functions take their time, and all events are held here.
    static let eventsMax = 20_000
    static let stringBytesMax = 64 << 20

    init(_ page: EntityHistoryMessage) throws {
        outline = Outline(page)
        availableFrom = try Self.instant(page.availableFrom)
        dropped = try page.dropped.map {
            Dropped(
                lastTime: try Self.instant($0.lastTime) ?? .max,
                newestArrival: try Self.instant($0.newestArrival) ?? .max
            )
        }
        for (index, column) in page.columns.enumerated() {
            columns[column.name] = (index, try Self.instant(column.availableFrom))
            types.append(column.type)
        }
        if let live = columns[StoredColumn.live.name]?.index {
            for (name, column) in columns where StoredColumn(name: name).isMark && column.index != live {
                counted[column.index] = page.columns.count + counted.count
            }
        }
        try append(page)
    }

    /// Whether it is beyond what one entity may hold.
    var isTooLong: Bool { events.count > Self.eventsMax || stringBytes > Self.stringBytesMax }

    mutating func append(_ page: EntityHistoryMessage) throws {
        let count = page.times.count
        let lists = [page.arrivals.count, page.incarnations.count, page.partitions.count, page.offsets.count]
        guard (lists + page.columns.map(\.values.count)).allSatisfy({ $0 == count }), page.columns.map(\.type) == types
        else { throw Failure(.failed, "the server's page of a history contradicts itself") }
        let live = columns[StoredColumn.live.name]?.index
        for row in 0..<count {
            var values = page.columns.map { $0.values[row] }
            for value in values { if case .string(let text) = value { stringBytes += text.utf8.count } }
            for (filter, _) in counted.sorted(by: { $0.value < $1.value }) {
                let isCounted = values[filter] != .null && live.map { values[$0] != .null } ?? true
                values.append(isCounted ? .bool(true) : .null)
            }
            events.append(
                OracleEvent(
                    time: page.times[row],
                    arrival: page.arrivals[row],
                    position: OracleEvent.Place(
                        incarnation: Int(page.incarnations[row]),
                        partition: Int(page.partitions[row]),
                        offset: page.offsets[row]
                    ),
                    values: values
                )
            )
        }
    }

    private static func instant(_ text: String?) throws -> Int64? {
        guard let text else { return nil }
        guard let instant = Instant(iso8601: text) else {
            throw Failure(.failed, "the server's time '\(text)' is none")
        }
        return instant.microseconds
    }

    func index(of column: StoredColumn) -> Int? { columns[column.name]?.index }

    /// The column that is there for the events that count for a feature view; nil where all do.
    func countedMark(of view: FeatureView) -> Int? {
        let live = index(of: .live)
        guard let filter = view.filterColumn.flatMap({ index(of: $0) }) else { return live }
        return counted[filter] ?? filter
    }

    /// The column of the source's `event_id`; nil where every event counts.
    var eventID: Int? {
        for name in columns.keys {
            if case .counts(let field) = StoredColumn(name: name) { return index(of: .field(field)) }
        }
        return nil
    }

    /// From when on a feature over these columns is complete; nil when it always was.
    func availableFrom(of used: [StoredColumn]) -> Int64? {
        ([availableFrom] + used.map { columns[$0.name]?.availableFrom }).compactMap { $0 }.max()
    }
}

extension StoredColumn {
    fileprivate var isMark: Bool { if case .mark = self { true } else { false } }
}

/// Reads histories over the wire, page by page.
struct RawHistoryReader {
    let client: StrandlineClient
    let pause: Duration

    /// Events of one page: a copy under a lock that lookups of the entity wait for.
    private static let pageEvents = 500

    /// - Returns: nil for an entity with too many events, and for one whose history was dropped in part meanwhile.
    func read(source: String, entity: Entity, key: [KeyValueMessage]) async throws -> RawHistory? {
        var place: EventPlaceMessage?
        var history: RawHistory?
        repeat {
            let page = try await page(source, entity, key, after: place, limit: Self.pageEvents)
            if var known = history {
                guard known.outline == RawHistory.Outline(page) else { return nil }
                try known.append(page)
                history = known
            } else {
                history = try RawHistory(page)
            }
            if history?.isTooLong ?? false { return nil }
            place = page.next
        } while place != nil
        return history
    }

    func outline(source: String, entity: Entity, key: [KeyValueMessage]) async throws -> RawHistory.Outline {
        RawHistory.Outline(try await page(source, entity, key, after: nil, limit: 1))
    }

    private func page(
        _ source: String,
        _ entity: Entity,
        _ key: [KeyValueMessage],
        after place: EventPlaceMessage?,
        limit: Int
    ) async throws -> EntityHistoryMessage {
        try await Task.sleep(for: pause)
        let request = EntityHistoryRequest(
            source: source,
            entity: entity.name,
            key: key,
            after: place,
            limit: limit
        )
        let reply = try await client.admin("entity_history", try JSONMessage.encode(request))
        return try JSONMessage.decode(EntityHistoryMessage.self, from: reply)
    }
}
