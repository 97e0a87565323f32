import FeatureHistory
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import Ingest

/// Rows of files against records of a log, and what they do when they come again.
@Suite struct FileIntakeTests {
    /// A store that takes rows and records.
    private final class World {
        let folder = TemporaryFolder()
        let store: FeatureStore
        let clock = ManualClock(Instant(microseconds: 1_700_000_000_000_000))

        init(_ definition: FeatureStoreDefinition = Purchases.definition(isCardUsed: true)) throws {
            let clock = clock
            store = try FeatureStore(directory: folder.path, options: StoreOptions()) { clock.now }
            try store.apply(definition, definitionHash: "h", files: [])
            _ = try store.incarnation(of: "purchases", cluster: "c", isNewTopic: false)
        }

        deinit { store.close() }

        func take(_ rows: [Row], isDryRun: Bool = false, hash: String = "h") throws -> FileIntakeResult {
            let bytes = RowBytes(rows)
            return try bytes.withRows { rows in
                try FileIntake(store: store).take(rows, source: "purchases", definitionHash: hash, isDryRun: isDryRun)
            }
        }

        func offsets(of user: String) throws -> [Int64] {
            let history = try #require(store.catalog.histories.first { $0.joinKeys[0].name == "user" })
            let key = try #require(EntityKey.encode([.string(user)]))
            let page = try store.entityEvents(of: history, key: key, after: nil, eventsMax: 1000)
            return (0..<page.events.count).map { page.events.offsets[$0] }
        }
    }

    struct Row {
        var time: Int64 = 1_600_000_000_000_000
        var offset: Int64
        var user: String? = "u"
        var card: Int64? = 4
        var amount: Double? = 1.5
    }

    /// Rows as columns in memory that lives as long as this.
    private final class RowBytes {
        private let count: Int
        private let times: [Int64]
        private let offsets: [Int64]
        private let amounts: [UInt64]
        private let cards: [Int64]
        private let lengths: [UInt32]
        private let users: [UInt8]
        private let nulls: [[UInt8]]

        init(_ rows: [Row]) {
            count = rows.count
            times = rows.map(\.time)
            offsets = rows.map(\.offset)
            amounts = rows.map { ($0.amount ?? 0).bitPattern }
            cards = rows.map { $0.card ?? 0 }
            lengths = rows.map { UInt32($0.user?.utf8.count ?? 0) }
            users = rows.flatMap { Array(($0.user ?? "").utf8) }
            func bits(_ isNull: (Row) -> Bool) -> [UInt8] {
                var bits = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
                for (place, row) in rows.enumerated() where isNull(row) { bits[place / 8] |= 1 << UInt8(place % 8) }
                return bits
            }
            nulls = [bits { $0.amount == nil }, bits { $0.card == nil }, bits { $0.user == nil }]
        }

        func withRows<R>(_ body: (ColumnRows) throws -> R) throws -> R {
            try times.withUnsafeBytes { times in
                try offsets.withUnsafeBytes { offsets in
                    try amounts.withUnsafeBytes { amounts in
                        try cards.withUnsafeBytes { cards in
                            try lengths.withUnsafeBytes { lengths in
                                try users.withUnsafeBytes { users in
                                    try nulls[0].withUnsafeBytes { null0 in
                                        try nulls[1].withUnsafeBytes { null1 in
                                            try nulls[2].withUnsafeBytes { null2 in
                                                let empty = UnsafeRawBufferPointer(start: nil, count: 0)
                                                return try body(
                                                    ColumnRows(
                                                        count: count,
                                                        times: times,
                                                        offsets: offsets,
                                                        columns: [
                                                            .init(
                                                                field: Field(name: "amount", type: .float64),
                                                                nulls: null0,
                                                                values: amounts,
                                                                strings: empty
                                                            ),
                                                            .init(
                                                                field: Field(name: "card", type: .int64),
                                                                nulls: null1,
                                                                values: cards,
                                                                strings: empty
                                                            ),
                                                            .init(
                                                                field: Field(name: "user", type: .string),
                                                                nulls: null2,
                                                                values: lengths,
                                                                strings: users
                                                            ),
                                                        ]
                                                    )
                                                )
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func rowsThatComeAgainAddNothing() throws {
        let world = try World()
        let rows = (0..<50).map { Row(offset: $0, user: "u\($0 % 7)") }
        let first = try world.take(rows)
        #expect(first.new == 50 && first.present == 0 && first.arrival != nil)
        let again = try world.take(Array(rows[10...]) + [Row(offset: 99)])
        #expect(again.new == 1 && again.present == 40)
        #expect(try world.take(rows).arrival == nil)
        #expect(try world.offsets(of: "u1") == [1, 8, 15, 22, 29, 36, 43])
        // Nobody needs to remember: what is on disk is found there.
        try world.store.fold()
        world.store.evictAll()
        let cold = try world.take(rows + [Row(offset: 100)])
        #expect(cold.new == 1 && cold.present == 50)
        #expect(world.store.counterValues["events/purchases"] == 52)
        #expect(world.store.fileRowHours(of: "purchases", .min ..< .max).values.reduce(0, +) == 52)
    }

    @Test func countsSurviveAStart() throws {
        let world = try World()
        _ = try world.take([Row(time: -1, offset: 3), Row(time: 0, offset: 3), Row(time: 3_600_000_000, offset: 3)])
        world.store.close()
        let clock = world.clock
        let store = try FeatureStore(directory: world.folder.path, options: StoreOptions()) { clock.now }
        defer { store.close() }
        #expect(store.fileRowHours(of: "purchases", .min ..< .max) == [-1: 1, 0: 1, 1: 1])
    }

    @Test func aDryRunWritesNothing() throws {
        let world = try World()
        let rows = (0..<5).map { Row(offset: $0) }
        let tried = try world.take(rows, isDryRun: true)
        #expect(tried.new == 5 && tried.arrival == nil && tried.hours.map(\.accepted) == [5])
        #expect(try world.offsets(of: "u").isEmpty)
        #expect(try world.take(rows).new == 5)
        #expect(try world.take(rows, isDryRun: true).present == 5)
    }

    @Test func reasonsAreThoseOfRecords() throws {
        let world = try World()
        let late = world.clock.now.microseconds + 3_600_000_001
        let result = try world.take([
            Row(time: -62_135_596_800_000_001, offset: 0), Row(offset: 1, user: nil), Row(offset: 2, card: nil),
            Row(offset: 3, amount: .nan), Row(offset: 4, amount: nil), Row(offset: 5, amount: -.infinity),
            Row(offset: 6, user: String(repeating: "k", count: 2000)), Row(time: late, offset: 7),
        ])
        let reasons = result.rejections.sorted { $0.row < $1.row }.map { "\($0.row) \($0.reason.rawValue)" }
        #expect(
            reasons == [
                "0 bad_timestamp", "1 missing_key", "2 missing_key", "3 non_finite", "5 non_finite", "6 key_too_long",
                "7 too_far_in_future",
            ]
        )
        #expect(result.new == 1)
        #expect(world.store.deadLetterSummary.kept == 0)
    }

    @Test func otherDefinitionsAndOtherSources() throws {
        let world = try World()
        #expect { try world.take([Row(offset: 1)], hash: "other") } throws: {
            if case .definitionsChanged? = $0 as? FileIntakeError { true } else { false }
        }
        let bytes = RowBytes([Row(offset: 1)])
        #expect {
            try bytes.withRows {
                try FileIntake(store: world.store)
                    .take($0, source: "purchase", definitionHash: "h", isDryRun: false)
            }
        } throws: {
            if case .refused(let message)? = $0 as? FileIntakeError { message.contains("'purchases'") } else { false }
        }
    }

    /// A history that a view adds later gets the rows when they come again, and a store that has rows of files only knows
    /// that they came before.
    @Test func aHistoryThatIsAddedLater() throws {
        let world = try World(Purchases.definition())
        let rows = (0..<20).map { Row(offset: $0, card: $0 % 3) }
        #expect(try world.take(rows).new == 20)
        world.clock.advance(by: 1_000_000)
        try world.store.apply(Purchases.definition(isCardUsed: true), definitionHash: "h2", files: [])
        let added = try #require(world.store.catalog.histories.first { $0.joinKeys[0].name == "card" })
        #expect(added.availableFrom == world.clock.now)
        #expect(try world.take(rows, hash: "h2").new == 20)
        #expect(try world.take(rows, hash: "h2").present == 20)
        #expect(try world.offsets(of: "u").count == 20)
        let hours = world.store.fileRowHours(of: "purchases", .min ..< .max)
        #expect(hours.values.reduce(0, +) == 20)
    }

    @Test func availabilityMovesBackOnly() throws {
        let world = try World()
        let from = Instant(microseconds: 1_500_000_000_000_000)
        #expect(try world.store.declareAvailable("purchases", from: from) == from)
        #expect(try world.store.declareAvailable("purchases", from: from.advanced(by: 1)) == from)
        #expect(try world.store.declareAvailable("purchases", from: from.advanced(by: -1)) < from)
        #expect(throws: StoreError.self) { try world.store.declareAvailable("nothing", from: from) }
    }
}
