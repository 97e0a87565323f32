import FeatureHistory
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import Ingest

/// Deletes by records without a value: which become tombstones, of which entity, and what the others become.
@Suite struct TombstoneIntakeTests {
    static let now: Int64 = 1_700_000_000_000

    /// What became of one record.
    enum Outcome: Equatable {
        case event(time: Int64, key: [FeatureValue])
        case tombstone(time: Int64, key: [FeatureValue])
        case rejected(RejectionReason)
        case skipped
    }

    static func take(_ bench: IntakeBench, key: [UInt8]?, value: [UInt8]?, timestamp: Int64 = now) -> Outcome {
        bench.intake.removeAll()
        add(bench, key: key, value: value, timestamp: timestamp)
        let (intake, batch) = (bench.intake, bench.intake.batches[0])
        if let rejection = intake.rejections.first {
            #expect(intake.acceptedCount == 0 && intake.batches.allSatisfy { $0.count == 0 }, "one event or none")
            return .rejected(rejection.reason)
        }
        guard intake.acceptedCount == 1 else { return intake.skippedNulls == 1 ? .skipped : .rejected(.badJSON) }
        let names = batch.withKey(0) { EntityKey.decode($0) } ?? []
        return intake.tombstones == [0]
            ? .tombstone(time: batch.times[0], key: names) : .event(time: batch.times[0], key: names)
    }

    static func add(
        _ bench: IntakeBench,
        key: [UInt8]?,
        value: [UInt8]?,
        timestamp: Int64 = now,
        offset: Int64 = 7,
        number: Int = 0
    ) {
        func add(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) {
            bench.intake.add(
                LogRecord(partition: 1, offset: offset, value: value, key: key, timestampMilliseconds: timestamp),
                number: number
            )
        }
        func withKey(_ value: UnsafeRawBufferPointer?) {
            if let key { key.withUnsafeBytes { add($0, value) } } else { add(nil, value) }
        }
        if let value { value.withUnsafeBytes { withKey($0) } } else { withKey(nil) }
    }

    static func bench(_ format: KeyFormat?, entity: String = "user", hasAttributes: Bool = true) throws -> IntakeBench {
        var definition = Purchases.definition()
        definition.sources[0].keyFormat = format
        definition.featureViews[0].entity = entity
        if hasAttributes {
            definition.attributeViews = [
                AttributeView(
                    name: "profile",
                    entity: entity,
                    source: "purchases",
                    attributes: [Attribute(column: "name")]
                )
            ]
        }
        return try IntakeBench(definition)
    }

    @Test(
        arguments: [
            (.json, #"{"user":"u"}"#, nil), (.json, #" {"x":[1,{}],"user":"u"} "#, nil),
            (.json, #"{"user":"a","user":"u"}"#, nil), (.json, #"{"us\u0065r":"u"}"#, nil), (.string, "u", nil),
            (.json, #"{"user":null}"#, .missingKey), (.json, "{}", .missingKey), (.json, #"{"User":"u"}"#, .missingKey),
            (.json, #"{"user":1}"#, .badKey), (.json, #"{"user":{"user":"u"}}"#, .badKey), (.json, "u", .badKey),
            (.json, #""u""#, .badKey), (.json, "", .badKey), (.json, #"{"user":"u""#, .badKey),
            (.json, #"{"user":"u"}x"#, .badKey), (.json, #"[{"user":"u"}]"#, .badKey), (.json, "null", .badKey),
            // Without an envelope nothing stands around the keys.
            (.json, #"{"schema":{},"payload":{"user":"u"}}"#, .missingKey),
        ] as [(KeyFormat, String, RejectionReason?)]
    )
    func recordKeys(format: KeyFormat, text: String, reason: RejectionReason?) throws {
        let found = Self.take(try Self.bench(format), key: Array(text.utf8), value: nil)
        #expect(
            found == reason.map { .rejected($0) } ?? .tombstone(time: Self.now * 1000, key: [.string("u")])
        )
    }

    @Test(
        arguments: [
            ("0", 0), ("42", 42), ("-7", -7), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("", nil), ("-", nil), ("+1", nil), ("007", nil), ("-0", nil), ("1.0", nil),
            (" 1", nil), ("1\n", nil), ("0x1", nil), ("\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{1}", nil),
            ("00000000000000000000000000000000000001", nil),
        ] as [(String, Int64?)]
    )
    func digits(text: String, number: Int64?) throws {
        let found = Self.take(try Self.bench(.int64, entity: "card"), key: Array(text.utf8), value: nil)
        #expect(found == number.map { .tombstone(time: Self.now * 1000, key: [.int64($0)]) } ?? .rejected(.badKey))
    }

    @Test func bytesThatAreNoKey() throws {
        let (json, text) = (try Self.bench(.json), try Self.bench(.string))
        #expect(Self.take(json, key: nil, value: nil) == .rejected(.missingKey))
        #expect(Self.take(text, key: nil, value: nil) == .rejected(.missingKey))
        #expect(Self.take(text, key: [], value: nil) == .tombstone(time: Self.now * 1000, key: [.string("")]))
        #expect(Self.take(text, key: [0xff], value: nil) == .rejected(.badKey))
        #expect(Self.take(text, key: [0xed, 0xa0, 0x80], value: nil) == .rejected(.badKey), "a surrogate")
        // The type and the length take three bytes.
        #expect(Self.take(text, key: Array(repeating: 0x61, count: 1021), value: nil) != .rejected(.keyTooLong))
        #expect(Self.take(text, key: Array(repeating: 0x61, count: 1022), value: nil) == .rejected(.keyTooLong))
        #expect(Self.take(text, key: Array(repeating: 0x61, count: 1 << 20), value: nil) == .rejected(.keyTooLong))
        let long = Array((#"{"user":""# + String(repeating: "a", count: 1022) + #""}"#).utf8)
        #expect(Self.take(json, key: long, value: nil) == .rejected(.keyTooLong))
        let padded = Array((#"{"user":"u"}"# + String(repeating: " ", count: KeyFormat.recordKeyBytesMax)).utf8)
        #expect(Self.take(json, key: padded, value: nil) == .rejected(.keyTooLong))
        var random = SplitMix64(seed: TestSeeds.list(1)[0])
        for _ in 0..<2000 {
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = Self.take(json, key: bytes, value: nil)
            _ = Self.take(text, key: bytes, value: nil)
        }
        #expect(
            Self.take(json, key: Array(#"{"user":"u"}"#.utf8), value: nil)
                == .tombstone(time: Self.now * 1000, key: [.string("u")])
        )
    }

    @Test func aTombstoneHasTheRecordsTimestamp() throws {
        let bench = try Self.bench(.string)
        func at(_ timestamp: Int64) -> Outcome { Self.take(bench, key: [0x75], value: nil, timestamp: timestamp) }
        #expect(at(-1) == .rejected(.missingTimestamp))
        #expect(at(0) == .tombstone(time: 0, key: [.string("u")]))
        #expect(at(253_402_300_799_999) == .tombstone(time: 253_402_300_799_999_000, key: [.string("u")]))
        #expect(at(253_402_300_800_000) == .rejected(.badTimestamp))
        #expect(at(.max) == .rejected(.badTimestamp))
    }

    @Test func withoutKeyFormat() throws {
        let value = Array(#"{"t":"2023-11-14T22:13:20Z","user":"u"}"#.utf8)
        for hasAttributes in [false, true] {
            let bench = try Self.bench(nil, hasAttributes: hasAttributes)
            let found = Self.take(bench, key: Array(#"{"user":"u"}"#.utf8), value: nil)
            #expect(found == (hasAttributes ? .rejected(.nullValue) : .skipped))
            if hasAttributes { #expect(bench.intake.rejections[0].message.contains("state key_format")) }
            #expect(Self.take(bench, key: nil, value: value) == .event(time: Self.now * 1000, key: [.string("u")]))
            #expect(!bench.intake.plan.targets[0].history.columns.contains { $0.field.name == StoredColumn.live.name })
        }
    }

    /// What is stored beside a tombstone: nothing but the marks of filters, whatever these say of nulls; and what is taken
    /// out at the commit takes the right rows with it.
    @Test func columnsOfATombstone() throws {
        var definition = Purchases.definition()
        definition.sources[0].keyFormat = .json
        let filters = ["flag is null", "flag"].map { EventExpression(text: $0, type: .bool, fields: ["flag"]) }
        let next = EventExpression(text: "coalesce(quantity, 1) + 1", type: .int64, fields: ["quantity"])
        definition.attributeViews = filters.enumerated().map { number, filter in
            AttributeView(
                name: "a\(number)",
                entity: "user",
                source: "purchases",
                filter: filter,
                columns: [DerivedColumn(name: "next", expression: next)],
                attributes: [Attribute(column: "next")]
            )
        }
        let bench = try IntakeBench(definition)
        let names = bench.intake.plan.targets[0].history.columns.map(\.field.name)
        let upsert = #"{"t":"2023-11-14T22:13:20Z","user":"u","quantity":"#
        let key = Array(#"{"user":"u"}"#.utf8)
        bench.intake.removeAll()
        Self.add(bench, key: nil, value: Array((upsert + "9223372036854775807}").utf8), offset: 1, number: 0)
        Self.add(bench, key: key, value: nil, offset: 2, number: 1)
        Self.add(bench, key: nil, value: Array((upsert + "4}").utf8), offset: 3, number: 2)
        Self.add(bench, key: key, value: nil, timestamp: 5_000_000_000_000, offset: 4, number: 3)
        Self.add(bench, key: key, value: nil, offset: 5, number: 4)
        bench.intake.computeExpressions()
        #expect(bench.intake.rejections.map(\.reason) == [.expressionOverflow])
        #expect(bench.intake.tombstones == [0, 2, 3])
        bench.intake.decide(arrival: Instant(microseconds: Self.now * 1000), horizon: .distantPast)
        #expect(bench.intake.rejections.map(\.record) == [0, 3])
        #expect(bench.intake.tombstones == [0, 2])
        let batch = bench.intake.batches[0]
        #expect((0..<batch.count).map { batch.offsets[$0] } == [2, 3, 5])
        func there(_ row: Int) -> Set<String> {
            Set(names.indices.filter { !batch.isNull($0, row) }.map { names[$0] })
        }
        #expect(there(0) == ["? flag is null", "? flag"])
        #expect(there(1) == ["quantity", "= coalesce(quantity, 1) + 1", "? flag is null", "! live"])
        #expect(there(2) == there(0))
    }

    /// Expressions that read no field have a value in every row, tombstones among them or not.
    @Test func constantExpressions() throws {
        var definition = Purchases.definition()
        definition.sources[0].keyFormat = .json
        definition.featureViews = []
        definition.attributeViews = [
            AttributeView(
                name: "constant",
                entity: "user",
                source: "purchases",
                filter: EventExpression(text: "1 = 1", type: .bool, fields: []),
                columns: [DerivedColumn(name: "one", expression: EventExpression(text: "1", type: .int64, fields: []))],
                attributes: [Attribute(column: "one")]
            )
        ]
        let bench = try IntakeBench(definition)
        let columns = bench.intake.plan.targets[0].history.columns.map(\.field.name)
        let one = try #require(columns.firstIndex(of: "= 1"))
        let filter = try #require(columns.firstIndex(of: "? 1 = 1"))
        #expect(bench.intake.plan.expressionFields.isEmpty)
        for tombstones in [Set<Int>(), [1, 3]] {
            bench.intake.removeAll()
            for number in 0..<6 {
                let isDelete = tombstones.contains(number)
                Self.add(
                    bench,
                    key: Array(#"{"user":"u"}"#.utf8),
                    value: isDelete ? nil : Array(#"{"t":"2023-11-14T22:13:20Z","user":"u"}"#.utf8),
                    offset: Int64(number),
                    number: number
                )
            }
            bench.intake.computeExpressions()
            let batch = bench.intake.batches[0]
            #expect(batch.count == 6)
            for row in 0..<batch.count {
                #expect(batch.isNull(one, row) == tombstones.contains(row))
                #expect(tombstones.contains(row) || batch.column(one)[row] == 1)
                #expect(!batch.isNull(filter, row))
            }
        }
    }

    /// Of several entities a record key must name every one.
    @Test func aDeleteIsOneEventOrNone() throws {
        var definition = Purchases.definition(isCardUsed: true)
        definition.sources[0].keyFormat = .json
        let bench = try IntakeBench(definition)
        #expect(Self.take(bench, key: Array(#"{"user":"u"}"#.utf8), value: nil) == .rejected(.missingKey))
        guard case .tombstone = Self.take(bench, key: Array(#"{"card":4,"user":"u"}"#.utf8), value: nil) else {
            Issue.record("both are named")
            return
        }
        #expect(bench.intake.batches.map(\.count) == [1, 1])
        #expect(bench.intake.batches[1].withKey(0) { EntityKey.decode($0) } == [.int64(4)])
    }
}
