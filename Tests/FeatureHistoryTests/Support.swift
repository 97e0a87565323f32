import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// One source, two entities with two histories, all column types; `grown` adds a view and columns later.
enum World {
    static let fields = [
        Field(name: "amount", type: .float64), Field(name: "quantity", type: .int64),
        Field(name: "word", type: .string),
        Field(name: "flag", type: .bool), Field(name: "seen", type: .timestamp),
    ]
    static let types = fields.map(\.type)
    /// Event times start here; arrivals too, so that T and K meet.
    static let start: Int64 = 1_700_000_000_000_000
    static let second: Int64 = 1_000_000

    static let perUser: [(AggregateFunction, String?, Int64?, Int64, FeatureValue?)] = [
        (.count, nil, nil, 0, nil), (.count, nil, 10, 0, nil), (.sum, "amount", 60, 0, nil),
        (.sum, "amount", nil, 0, nil),
        (.mean, "amount", 30, 0, nil), (.min, "amount", 600, 0, nil), (.last, "amount", nil, 0, .float64(-1)),
        (.sum, "quantity", 60, 10, nil), (.max, "quantity", 600, 0, .int64(7)),
        (.last, "word", 60, 0, .string("nothing")),
        (.first, "word", nil, 0, nil),
        (.lastN, "word", nil, 0, nil), (.firstDistinctN, "quantity", 600, 0, nil),
        (.countDistinct, "word", nil, 0, nil),
        (.approxCountDistinct, "amount", nil, 0, nil), (.approxPercentile, "amount", 60, 0, nil),
        (.stddevSamp, "quantity", nil, 0, nil), (.topK, "word", 600, 0, nil), (.histogram, "word", nil, 0, nil),
        (.decayedSum, "amount", nil, 0, nil), (.timeSinceLast, nil, nil, 0, nil),
    ]

    /// Maps by category, each with its view's column and category.
    static let byCategory: [(AggregateFunction, String?, String, Int64?)] = [
        (.sum, "amount", "word", 60), (.count, nil, "quantity", nil), (.last, "word", "quantity", 600),
        (.mean, "quantity", "word", nil), (.approxPercentile, "amount", "word", nil),
        (.countDistinct, "quantity", "word", 600),
    ]

    /// What functions of the views take.
    static func parameters(of function: AggregateFunction) -> FunctionParameters {
        switch function {
        case .lastN, .firstDistinctN, .topK: FunctionParameters(n: 3)
        case .approxPercentile: FunctionParameters(percentile: 0.9)
        case .decayedSum: FunctionParameters(halfLife: 60 * second)
        default: FunctionParameters()
        }
    }

    static let perCard: [(AggregateFunction, String?, Int64?, Int64, FeatureValue?)] = [
        (.sum, "quantity", nil, 0, nil), (.mean, "quantity", 60, 0, nil), (.count, "word", 60, 0, nil),
        (.last, "flag", nil, 0, .bool(true)), (.first, "flag", 30, 5, nil), (.last, "word", nil, 0, nil),
    ]
    static let added: [(AggregateFunction, String?, Int64?, Int64, FeatureValue?)] = [
        (.max, "seen", nil, 0, nil), (.last, "seen", 60, 0, nil), (.count, "flag", nil, 0, nil),
        (.sum, "amount", 60, 0, nil),
    ]

    /// The categories come with the view; what is summed was there.
    static let addedByCategory: [(AggregateFunction, String?, String, Int64?)] = [
        (.sum, "amount", "flag", 60), (.count, nil, "seen", nil),
    ]
    static let addedCount = added.count + addedByCategory.count

    static func view(
        _ name: String,
        _ entity: String,
        _ list: [(AggregateFunction, String?, Int64?, Int64, FeatureValue?)]
    ) -> FeatureView {
        FeatureView(
            name: name,
            entity: entity,
            source: "s",
            aggregations: list.enumerated().map { index, item in
                Aggregation(
                    name: "f\(index)",
                    function: item.0,
                    parameters: parameters(of: item.0),
                    column: item.1,
                    timeWindow: item.2.map { .sliding(microseconds: $0 * second) } ?? .lifetime,
                    offset: item.3 * second,
                    defaultValue: item.4
                )
            }
        )
    }

    private static func aggregations(_ list: [(AggregateFunction, String?, String, Int64?)]) -> [Aggregation] {
        list.enumerated().map { index, item in
            var parameters = parameters(of: item.0)
            parameters.maxGroups = 3
            return Aggregation(
                name: "g\(index)",
                function: item.0,
                parameters: parameters,
                column: item.1,
                groupBy: item.2,
                timeWindow: item.3.map { .sliding(microseconds: $0 * second) } ?? .lifetime
            )
        }
    }

    static func definition(isGrown: Bool) -> FeatureStoreDefinition {
        var views = [view("users", "user", perUser), view("cards", "card", perCard)]
        views[0].aggregations += aggregations(byCategory)
        if isGrown {
            views.append(view("more", "user", added))
            views[2].aggregations += aggregations(addedByCategory)
        }
        return FeatureStoreDefinition(
            project: "test",
            entities: [
                Entity(name: "user", joinKeys: [Field(name: "user", type: .int64)]),
                Entity(
                    name: "card",
                    joinKeys: [Field(name: "bank", type: .int64), Field(name: "card", type: .string)]
                ),
            ],
            sources: [
                Source(
                    name: "s",
                    topic: "s",
                    timestampField: "t",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: fields + [
                        Field(name: "user", type: .int64), Field(name: "bank", type: .int64),
                        Field(name: "card", type: .string),
                    ]
                )
            ],
            featureViews: views
        )
    }

    /// An event of user and card, with one value a field of `fields`.
    struct Record {
        var user: Int64
        var card: Int64
        var event: OracleEvent
    }

    static func userKey(_ user: Int64) -> [UInt8] { EntityKey.encode([.int64(user)]) ?? [] }
    static func cardKey(_ card: Int64) -> [UInt8] {
        EntityKey.encode([.int64(card % 3), .string("card \(card)")]) ?? []
    }
    /// A request for both: user, bank, card.
    static func key(_ user: Int64, _ card: Int64) -> [UInt8] { userKey(user) + cardKey(card) }
}

/// A store in a folder of its own, with what the oracle needs beside it.
final class TestStore {
    let folder: TemporaryFolder
    let clock: ManualClock
    var options: StoreOptions
    private(set) var store: FeatureStore
    private(set) var isGrown = false
    /// When `grown` was applied, if the source had been consumed before.
    private(set) var grownAt: Int64?
    /// The place of the source's `event_id` among the fields.
    var eventID: Int? {
        store.catalog.definition.sources[0].eventID.flatMap { id in World.fields.firstIndex { $0.name == id } }
    }
    private(set) var users: [Int64: [OracleEvent]] = [:]
    private(set) var cards: [Int64: [OracleEvent]] = [:]
    private(set) var arrivals: [Int64] = []
    /// The next offset of each partition.
    private(set) var next: [Int: Int64] = [:]
    private(set) var plan: LookupPlan
    let scratch = ReadScratch()
    private let definition: (_ isGrown: Bool) -> FeatureStoreDefinition

    init(
        options: StoreOptions = StoreOptions(),
        isConsumed: Bool = true,
        definition: @escaping (_ isGrown: Bool) -> FeatureStoreDefinition = World.definition(isGrown:)
    ) throws {
        self.definition = definition
        folder = TemporaryFolder()
        clock = ManualClock(Instant(microseconds: World.start))
        self.options = options
        store = try Self.open(folder, options, clock)
        try store.apply(definition(false), definitionHash: "one", files: [DefinitionFile(name: "a.yaml", text: "one")])
        if isConsumed { _ = try store.incarnation(of: "s", cluster: "c", isNewTopic: false) }
        plan = try Self.plan(store)
    }

    static func open(_ folder: TemporaryFolder, _ options: StoreOptions, _ clock: ManualClock) throws -> FeatureStore {
        try FeatureStore(directory: folder.path, options: options) { clock.now }
    }

    static func plan(_ store: FeatureStore) throws -> LookupPlan {
        let references = store.catalog.definition.featureViews.flatMap { view in
            view.aggregations.map { FeatureReference(view: view.name, feature: $0.name) }
        }
        return try LookupPlan(references, in: store.catalog)
    }

    func reopen() throws {
        store.close()
        store = try Self.open(folder, options, clock)
        store.activate(definition(isGrown), definitionHash: isGrown ? "two" : "one")
        plan = try Self.plan(store)
    }

    func grow() throws {
        isGrown = true
        let isConsumed = (store.catalog.sources["s"]?.incarnation ?? 0) > 0
        grownAt = isConsumed ? clock.now.microseconds : nil
        try store.apply(definition(true), definitionHash: "two", files: [])
        plan = try Self.plan(store)
    }

    // MARK: Writing

    /// The batches of a commit of these records, and the records with only the values that are stored.
    func batches(_ records: [World.Record]) -> [(history: UInt32, batch: EventBatch)] {
        store.catalog.histories.map { history in
            let batch = EventBatch(types: history.types, capacity: 1)
            for record in records {
                let key = history.joinKeys.count == 1 ? World.userKey(record.user) : World.cardKey(record.card)
                append(record.event, key: key, columns: history.columns.map(\.field.name), to: batch)
            }
            return (history.id, batch)
        }
    }

    private func append(_ event: OracleEvent, key: [UInt8], columns: [String], to batch: EventBatch) {
        let row = batch.appendRows(1)
        batch.times[row] = event.time
        batch.streams[row] = event.stream.rawValue
        batch.offsets[row] = event.position.offset
        batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
        batch.keyBytes += key
        var nulls: UInt64 = 0
        for (column, name) in columns.enumerated() {
            var slot: UInt64 = 0x5555_5555_5555_5555
            switch World.fields.firstIndex(where: { $0.name == name }).map({ event.values[$0] }) ?? .null {
            case .null: nulls |= 1 << UInt64(column)
            case .int64(let number): slot = UInt64(bitPattern: number)
            case .float64(let number): slot = number.bitPattern
            case .bool(let flag): slot = flag ? 1 : 0
            case .timestamp(let instant): slot = UInt64(bitPattern: instant.microseconds)
            case .string(let text): slot = Array(text.utf8).withUnsafeBytes { batch.store($0) }
            case .list, .map: slot = 0
            }
            batch.column(column)[row] = slot
        }
        batch.nulls[row] = nulls
    }

    /// Commits the records, with the offsets that follow from them, at the clock's time.
    @discardableResult
    func commit(_ records: [World.Record]) throws -> Int64 {
        let made = batches(records)
        for record in records { next[record.event.position.partition] = record.event.position.offset + 1 }
        let moved = next
        let arrival = try store.commit { _ throws(StoreError) in
            var commit = Commit()
            commit.batches = made
            commit.offsets = moved.map {
                StreamOffset(stream: StreamID(source: 1, incarnation: 1, partition: Int32($0.key)), next: $0.value)
            }
            commit.counters["events"] = UInt64(records.count)
            return commit
        }
        let stored = try #require(arrival).microseconds
        arrivals.append(stored)
        // The users' history, then the cards'.
        let histories = store.catalog.histories
        for record in records {
            var user = record.event
            user.arrival = stored
            var card = user
            // What no view used yet was not stored.
            for (index, field) in World.fields.enumerated() {
                if histories[0].column(field.name) == nil { user.values[index] = .null }
                if histories[1].column(field.name) == nil { card.values[index] = .null }
            }
            users[record.user, default: []].append(user)
            cards[record.card, default: []].append(card)
        }
        return stored
    }

    // MARK: Reading

    /// Reads a user and a card with one plan; from memory when it is there.
    func read(_ user: Int64, _ card: Int64, _ point: ReadPoint) throws -> [OracleAnswer] {
        let key = World.key(user, card)
        // As a connection does: a horizon that moved is a new generation.
        if plan.generation != store.generation { plan = try Self.plan(store) }
        try key.withUnsafeBytes { bytes in
            #expect(FeatureStore.isKey(bytes, of: plan))
            guard !store.readResident(plan, key: bytes, at: point, scratch) else { return }
            try store.read(plan, key: bytes, at: point, scratch)
        }
        return plan.features.enumerated().map { index, feature in
            let newest = scratch.cells.eventTimes[index]
            return OracleAnswer(
                value: scratch.cells.value(index, type: feature.type),
                status: scratch.cells.status(index) ?? .outsideRetention,
                newest: newest == .min ? nil : newest
            )
        }
    }

    /// The same by the oracle.
    func expected(_ user: Int64, _ card: Int64, _ point: ReadPoint) -> [OracleAnswer] {
        store.catalog.definition.featureViews.flatMap { view in
            view.aggregations.map { aggregation in
                let column = aggregation.column.flatMap { name in World.fields.firstIndex { $0.name == name } }
                var query = OracleQuery(
                    function: aggregation.function,
                    parameters: aggregation.parameters,
                    column: column,
                    groupBy: aggregation.groupBy.flatMap { name in World.fields.firstIndex { $0.name == name } },
                    length: nil,
                    offset: aggregation.offset,
                    defaultValue: aggregation.defaultValue ?? .null
                )
                switch aggregation.timeWindow {
                case .lifetime: break
                case .sliding(let length): query.length = length
                case .events(let count): query.newest = count
                case .series(let count, let step): (query.length, query.series) = (step, count)
                }
                if view.name == "more", aggregation.columnsRead.contains(where: { ["flag", "seen"].contains($0) }) {
                    query.availableFrom = grownAt
                }
                return NaiveOracle.value(
                    (view.entity == "user" ? users[user] : cards[card]) ?? [],
                    query,
                    asOf: point.asOf.microseconds,
                    knownAt: point.knownAt.microseconds,
                    edge: point.boundary == .strict ? .strict : .inclusive,
                    horizon: store.catalog.sources["s"]?.horizon.microseconds,
                    eventID: eventID
                )
            }
        }
    }

    /// Compares a read with the oracle; the first difference is an issue.
    @discardableResult
    func check(_ user: Int64, _ card: Int64, _ point: ReadPoint, _ hint: String) throws -> Bool {
        let found = try read(user, card, point)
        let wanted = expected(user, card, point)
        guard found != wanted, let index = found.indices.first(where: { found[$0] != wanted[$0] }) else { return true }
        Issue.record(
            "\(hint): \(plan.features[index].reference) of (\(user), \(card)) at \(point): \(found[index]); the oracle says \(wanted[index])"
        )
        return false
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
