import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Attribute views and windows over one history with tombstones: random commits, folds, evictions and restarts; every read
/// equals the oracle.
@Suite struct AttributeStoreTests {
    private static let second: Int64 = 1_000_000
    private static let schema = [
        Field(name: "country", type: .string), Field(name: "limit", type: .int64), Field(name: "active", type: .bool),
    ]
    /// Of an oracle's event: the schema, then the mark of the filter, then the mark that tombstones lack.
    private static let (mark, live) = (3, 4)
    private static let filter = EventExpression(text: "active", type: .bool, fields: ["active"])

    static func definition(
        hasTombstones: Bool = true,
        history: HistoryLength = .forever,
        eventID: String? = nil
    ) -> FeatureStoreDefinition {
        FeatureStoreDefinition(
            project: "test",
            entities: [Entity(name: "customer", joinKeys: [Field(name: "id", type: .int64)])],
            sources: [
                Source(
                    name: "s",
                    topic: "s",
                    timestampField: "t",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: schema + [Field(name: "id", type: .int64)],
                    keyFormat: hasTombstones ? .json : nil,
                    eventID: eventID
                )
            ],
            featureViews: [
                FeatureView(
                    name: "changes",
                    entity: "customer",
                    source: "s",
                    history: history,
                    aggregations: [
                        Aggregation(name: "count", function: .count, timeWindow: .lifetime),
                        Aggregation(name: "newest", function: .count, timeWindow: .events(3)),
                        Aggregation(name: "sum", function: .sum, column: "limit", timeWindow: .lifetime),
                    ]
                )
            ],
            attributeViews: [
                AttributeView(
                    name: "profile",
                    entity: "customer",
                    source: "s",
                    maxAge: 60 * second,
                    history: history,
                    attributes: [Attribute(column: "country"), Attribute(name: "credit", column: "limit")]
                ),
                AttributeView(
                    name: "active",
                    entity: "customer",
                    source: "s",
                    history: history,
                    filter: filter,
                    attributes: [Attribute(column: "limit"), Attribute(column: "active")]
                ),
            ]
        )
    }

    private static let references = [
        "changes:count", "profile:country", "changes:newest", "active:limit", "profile:credit", "active:active",
        "changes:sum",
    ].compactMap { FeatureReference($0) }

    private static func expected(_ events: [OracleEvent], _ point: ReadPoint, horizon: Int64?, eventID: Int?)
        -> [OracleAnswer]
    {
        func window(_ function: AggregateFunction, _ column: Int?, newest: Int? = nil) -> OracleAnswer {
            let query = OracleQuery(function: function, column: column, length: nil, newest: newest, filter: live)
            return NaiveOracle.value(
                events,
                query,
                asOf: point.asOf.microseconds,
                knownAt: point.knownAt.microseconds,
                edge: point.boundary == .strict ? .strict : .inclusive,
                horizon: horizon,
                eventID: eventID
            )
        }
        func attribute(_ column: Int, filter: Int? = nil, maxAge: Int64? = nil) -> OracleAnswer {
            NaiveOracle.value(
                events,
                OracleAttribute(column: column, filter: filter, live: live, maxAge: maxAge),
                asOf: point.asOf.microseconds,
                knownAt: point.knownAt.microseconds,
                edge: point.boundary == .strict ? .strict : .inclusive,
                horizon: horizon,
                eventID: eventID
            )
        }
        return [
            window(.count, nil), attribute(0, maxAge: 60 * second), window(.count, nil, newest: 3),
            attribute(1, filter: mark), attribute(1, maxAge: 60 * second), attribute(2, filter: mark), window(.sum, 1),
        ]
    }

    private static func append(_ event: OracleEvent, _ customer: Int64, _ columns: [HistoryColumn], _ batch: EventBatch)
    {
        let row = batch.appendRows(1)
        let key = EntityKey.encode([.int64(customer)]) ?? []
        batch.times[row] = event.time
        batch.streams[row] = event.stream.rawValue
        batch.offsets[row] = event.position.offset
        batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
        batch.keyBytes += key
        var nulls: UInt64 = 0
        for (column, stored) in columns.enumerated() {
            let place =
                switch StoredColumn(name: stored.field.name) {
                case .live: live
                case .mark: mark
                default: schema.firstIndex { $0.name == stored.field.name } ?? 0
                }
            var slot: UInt64 = 0x5555
            switch event.values[place] {
            case .int64(let number): slot = UInt64(bitPattern: number)
            case .bool(let flag): slot = flag ? 1 : 0
            case .string(let text): slot = Array(text.utf8).withUnsafeBytes { batch.store($0) }
            default: nulls |= 1 << UInt64(column)
            }
            batch.column(column)[row] = slot
        }
        batch.nulls[row] = nulls
    }

    /// Half of the worlds drop history after 40 s; some take copies of a value at one instant for one event.
    @Test(arguments: TestSeeds.list(16), [false, true])
    func readsEqualTheOracle(seed: UInt64, isDropping: Bool) throws {
        var random = SplitMix64(seed: seed)
        let eventID = [nil, 0, 1].randomElement(using: &random) ?? nil
        let length = 40 * Self.second
        let (folder, start) = (TemporaryFolder(), Int64(1_700_000_000_000_000))
        let clock = ManualClock(Instant(microseconds: start))
        let definition = Self.definition(
            history: isDropping ? .microseconds(length) : .forever,
            eventID: eventID.map { Self.schema[$0].name }
        )
        var store = try FeatureStore(directory: folder.path, options: StoreOptions()) { clock.now }
        defer { store.close() }
        try store.apply(definition, definitionHash: "one", files: [])
        _ = try store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        var plan = try LookupPlan(Self.references, in: store.catalog)
        let customers: Int64 = random.oneIn(3) ? 1 : 5
        var shape = SeededStream.Shape(types: Self.schema.map(\.type), start: start, span: 300 * Self.second)
        shape.grain = Self.second / 2
        var stream = SeededStream(shape, seed: seed)
        var known: [Int64: [OracleEvent]] = [:]
        var arrivals = [start]
        let scratch = ReadScratch()
        for _ in 0..<50 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                clock.advance(by: Int64.random(in: 0...(isDropping ? 8 : 1) * Self.second, using: &random))
                let earliest = store.catalog.sources["s"]?.horizon.microseconds ?? .min
                let history = try #require(store.catalog.histories.first)
                let batch = EventBatch(types: history.types, capacity: 1)
                var added: [(Int64, OracleEvent)] = []
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    var event = stream.next().event
                    if isDropping {
                        // What ingest would accept; few and late ones, so that versions grow old.
                        if random.oneIn(2) { continue }
                        let late = Int64.random(in: 0...(random.oneIn(4) ? length : Self.second), using: &random)
                        let now = clock.now.microseconds
                        event.time = max(now - length, earliest, (now - late) / Self.second * Self.second)
                    }
                    let isTombstone = random.oneIn(6)
                    if eventID != nil, random.oneIn(2) {
                        let number = Int64.random(in: 0...2, using: &random)
                        event.values[0] = .string("country \(number)")
                        event.values[1] = .int64(number)
                    }
                    let passes = event.values[2] == .bool(true)
                    event.values += [isTombstone || passes ? .bool(passes) : .null, isTombstone ? .null : .bool(true)]
                    if isTombstone { event.values.replaceSubrange(0..<3, with: [.null, .null, .null]) }
                    let customer =
                        isDropping
                        ? min(
                            Int64.random(in: 0..<customers, using: &random),
                            Int64.random(in: 0..<customers, using: &random)
                        ) : Int64.random(in: 0..<customers, using: &random)
                    Self.append(event, customer, history.columns, batch)
                    added.append((customer, event))
                }
                if batch.count == 0 { continue }
                let arrival = try #require(
                    try store.commit { _ throws(StoreError) in
                        var commit = Commit()
                        commit.batches = [(history.id, batch)]
                        return commit
                    }
                )
                arrivals.append(arrival.microseconds)
                for (customer, event) in added {
                    var event = event
                    event.arrival = arrival.microseconds
                    known[customer, default: []].append(event)
                }
            case 6: try store.fold()
            case 7: store.evictAll()
            case 9: while try store.retain() {}
            case 8:
                store.close()
                store = try FeatureStore(directory: folder.path, options: StoreOptions()) { clock.now }
                store.activate(definition, definitionHash: "one")
                plan = try LookupPlan(Self.references, in: store.catalog)
            default: break
            }
            for _ in 0..<4 {
                let customer = Int64.random(in: 0...customers, using: &random)
                let point = ReadPoint(
                    asOf: Instant(
                        microseconds: start + Int64.random(in: 0...800, using: &random) * (Self.second / 2)
                            + Int64.random(in: -1...1, using: &random)
                    ),
                    knownAt: Instant(
                        microseconds: random.oneIn(2) ? .max : arrivals.randomElement(using: &random) ?? 0
                    ),
                    boundary: random.oneIn(3) ? .inclusive : .strict
                )
                // As a connection does: a horizon that moved is a new generation.
                if plan.generation != store.generation { plan = try LookupPlan(Self.references, in: store.catalog) }
                let key = EntityKey.encode([.int64(customer)]) ?? []
                try key.withUnsafeBytes { bytes in
                    guard !store.readResident(plan, key: bytes, at: point, scratch) else { return }
                    try store.read(plan, key: bytes, at: point, scratch)
                }
                let found = plan.features.enumerated().map { index, feature in
                    let newest = scratch.cells.eventTimes[index]
                    return OracleAnswer(
                        value: scratch.cells.value(index, type: feature.type),
                        status: scratch.cells.status(index) ?? .outsideRetention,
                        newest: newest == .min ? nil : newest
                    )
                }
                let horizon = store.catalog.sources["s"]?.horizon.microseconds
                let wanted = Self.expected(known[customer] ?? [], point, horizon: horizon, eventID: eventID)
                for index in found.indices where found[index] != wanted[index] {
                    Issue.record(
                        "\(TestSeeds.hint(seed)): \(Self.references[index]) of \(customer) at \(point): \(found[index]), oracle \(wanted[index])"
                    )
                    return
                }
            }
        }
    }

    /// Events that were stored without the mark would all be tombstones.
    @Test(arguments: [false, true])
    func tombstonesCannotComeLater(hadTombstones: Bool) throws {
        let folder = TemporaryFolder()
        let store = try FeatureStore(directory: folder.path, options: StoreOptions()) { Instant(microseconds: 1) }
        defer { store.close() }
        try store.apply(Self.definition(hasTombstones: hadTombstones), definitionHash: "one", files: [])
        _ = try store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        var without = Self.definition()
        (without.featureViews, without.attributeViews) = ([], [])
        try store.apply(without, definitionHash: "two", files: [])
        #expect(throws: StoreError.self) {
            try store.apply(Self.definition(hasTombstones: !hadTombstones), definitionHash: "three", files: [])
        }
        try store.apply(Self.definition(hasTombstones: hadTombstones), definitionHash: "four", files: [])
    }

    /// A view that takes up a column late has no value of it from before, and says so.
    @Test func anAttributeThatComesLaterIsPartial() throws {
        let folder = TemporaryFolder()
        let clock = ManualClock(Instant(microseconds: 1000))
        let store = try FeatureStore(directory: folder.path, options: StoreOptions()) { clock.now }
        defer { store.close() }
        var early = Self.definition()
        early.attributeViews.removeAll()
        try store.apply(early, definitionHash: "one", files: [])
        _ = try store.incarnation(of: "s", cluster: "c", isNewTopic: false)
        func commit(_ time: Int64, _ offset: Int64) throws {
            let history = try #require(store.catalog.histories.first)
            let batch = EventBatch(types: history.types, capacity: 1)
            let event = OracleEvent(
                time: time,
                arrival: 0,
                position: OracleEvent.Place(offset: offset),
                values: [.string("ch"), .int64(offset), .bool(true), .bool(true), .bool(true)]
            )
            Self.append(event, 1, history.columns, batch)
            try store.commit { _ throws(StoreError) in
                var commit = Commit()
                commit.batches = [(history.id, batch)]
                return commit
            }
        }
        try commit(900, 0)
        clock.set(Instant(microseconds: 5000))
        try store.apply(Self.definition(), definitionHash: "two", files: [])
        try commit(6000, 1)
        let plan = try LookupPlan(
            ["profile:country", "profile:credit"].compactMap { FeatureReference($0) },
            in: store.catalog
        )
        let scratch = ReadScratch()
        func read(_ asOf: Int64) throws -> [FeatureStatus?] {
            let key = EntityKey.encode([.int64(1)]) ?? []
            let point = ReadPoint(asOf: Instant(microseconds: asOf), knownAt: .distantFuture)
            try key.withUnsafeBytes { try store.read(plan, key: $0, at: point, scratch) }
            return [scratch.cells.status(0), scratch.cells.status(1)]
        }
        // The window's sum used the column `limit` from the start; nothing used `country`.
        #expect(try read(2000) == [.partial, .present])
        #expect(scratch.cells.value(0, type: .string) == .null)
        #expect(try read(7000) == [.present, .present])
        #expect(scratch.cells.value(0, type: .string) == .string("ch"))
    }
}
