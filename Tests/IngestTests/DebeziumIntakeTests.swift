import FeatureHistory
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import Ingest

/// Debezium's change events, and everything that looks like one and is none.
@Suite struct DebeziumIntakeTests {
    typealias Outcome = TombstoneIntakeTests.Outcome
    static let milliseconds: Int64 = 1_600_000_000_123
    static let source = #""source":{"version":"2.7","ts_ms":1600000000123,"db":"shop"}"#

    static func bench(timestampField: String? = nil, keyFormat: KeyFormat? = nil) throws -> IntakeBench {
        var definition = Purchases.definition(format: .epochMilliseconds)
        definition.sources[0].envelope = .debezium
        definition.sources[0].timestampField = timestampField ?? Envelope.debeziumTime
        definition.sources[0].keyFormat = keyFormat
        return try IntakeBench(definition)
    }

    static func take(_ bench: IntakeBench, _ value: String, key: String? = nil) -> Outcome {
        TombstoneIntakeTests.take(bench, key: key.map { Array($0.utf8) }, value: Array(value.utf8))
    }

    static let upsert = Outcome.event(time: milliseconds * 1000, key: [.string("u")])
    static let delete = Outcome.tombstone(time: milliseconds * 1000, key: [.string("u")])

    static let table: [(String, Outcome)] = [
        (#"{"before":null,"after":{"user":"u"},\#(source),"op":"c","ts_ms":1}"#, upsert),
        (#"{"op":"u","after":{"user":"u"},"before":{"user":"old"},\#(source)}"#, upsert),
        (#"{"op":"r","after":{"user":"u"},\#(source)}"#, upsert),
        (#"{"schema":{"type":"struct"},"payload":{"after":{"user":"u"},"op":"r",\#(source)}}"#, upsert),
        (#"{"payload":{"op":"d","before":{"user":"u"},"after":null,\#(source)},"schema":null}"#, delete),
        (#"{"before":{"user":"u"},"after":null,\#(source),"op":"d"}"#, delete),
        // Of what stands twice the last counts, as a whole.
        (#"{"after":{"user":"x"},"after":{"user":"u"},\#(source),"op":"c"}"#, upsert),
        (#"{"after":{"user":"u"},"after":{},\#(source),"op":"c"}"#, .rejected(.missingKey)),
        (#"{"after":{"user":"u"},"after":null,\#(source),"op":"c"}"#, .rejected(.badEnvelope)),
        (#"{\#(source),"source":null,"after":{"user":"u"},"op":"c"}"#, .rejected(.missingTimestamp)),
        // A payload within a payload is a field like any other.
        (#"{"payload":{"payload":{"op":"c"},"after":{"user":"u"},"op":"c",\#(source)}}"#, upsert),
        (#"{"payload":{"payload":{"after":{"user":"u"},"op":"c",\#(source)}}}"#, .rejected(.badEnvelope)),
        // No such kinds.
        (#"{"after":{"user":"u"},\#(source),"op":"t"}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source),"op":"m"}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source),"op":""}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source),"op":"create"}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source),"op":null}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source)}"#, .rejected(.badEnvelope)),
        (#"{"after":{"user":"u"},\#(source),"op":1}"#, .rejected(.wrongType)),
        (#"{"user":"u","t":1}"#, .rejected(.badEnvelope)), ("{}", .rejected(.badEnvelope)),
        (#"{"payload":null}"#, .rejected(.badEnvelope)), (#"{"payload":[]}"#, .rejected(.badEnvelope)),
        // Parts that are missing or of another type.
        (#"{"after":null,\#(source),"op":"u"}"#, .rejected(.badEnvelope)),
        (#"{\#(source),"op":"c"}"#, .rejected(.badEnvelope)),
        (#"{"after":[],\#(source),"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":"{}",\#(source),"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":{"user":1},\#(source),"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":{"amount":1},\#(source),"op":"c"}"#, .rejected(.missingKey)),
        (#"{"after":{"user":"u"},"op":"c"}"#, .rejected(.missingTimestamp)),
        (#"{"after":{"user":"u"},"source":{},"op":"c"}"#, .rejected(.missingTimestamp)),
        (#"{"after":{"user":"u"},"source":{"ts_ms":"1"},"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":{"user":"u"},"source":{"ts_ms":1e3},"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":{"user":"u"},"source":{"ts_ms":9223372036854775807},"op":"c"}"#, .rejected(.badTimestamp)),
        (#"{"after":{"user":"u"},"source":{"ts_ms":253402300800000},"op":"c"}"#, .rejected(.badTimestamp)),
        (#"{"after":{"user":"u"},"source":7,"op":"c"}"#, .rejected(.wrongType)),
        (#"{"after":{"user":"u"},\#(source),"op":"c""#, .rejected(.badJSON)),
        (#"{"after":{"user":"u",\#(source),"op":"c"}"#, .rejected(.badJSON)),
        (#"{"after":{"user" "u"},\#(source),"op":"c"}"#, .rejected(.badJSON)),
        (#"{"before":null,"op":"d","source":{}}"#, .rejected(.missingTimestamp)),
        (#"{"before":null,"op":"d",\#(source)}"#, .rejected(.missingKey)),
    ]

    @Test(arguments: table)
    func records(text: String, expected: Outcome) throws {
        #expect(Self.take(try Self.bench(), text) == expected, "\(text)")
    }

    @Test func aDeletesKeyComesFromTheRecordKeyWhereTheRowLacksIt() throws {
        let bench = try Self.bench()
        let text = #"{"before":{"amount":1},"after":null,\#(Self.source),"op":"d"}"#
        #expect(Self.take(bench, text, key: #"{"user":"u"}"#) == Self.delete)
        #expect(Self.take(bench, text, key: #"{"schema":{},"payload":{"user":"u"}}"#) == Self.delete)
        #expect(Self.take(bench, text, key: "u") == .rejected(.badKey))
        #expect(Self.take(bench, text, key: "{}") == .rejected(.missingKey))
        #expect(Self.take(try Self.bench(keyFormat: .string), text, key: "u") == Self.delete)
        // The row's own key goes first.
        let whole = #"{"before":{"user":"u"},"op":"d",\#(Self.source)}"#
        #expect(Self.take(bench, whole, key: #"{"user":"x"}"#) == Self.delete)
    }

    /// Log compaction's tombstone behind a delete is not a second one.
    @Test(arguments: [nil, KeyFormat.json])
    func recordsWithoutAValueAreSkipped(format: KeyFormat?) throws {
        let bench = try Self.bench(keyFormat: format)
        let found = TombstoneIntakeTests.take(bench, key: Array(#"{"user":"u"}"#.utf8), value: nil)
        #expect(found == .skipped && bench.intake.rejections.isEmpty)
    }

    /// A field of the row may date upserts; a delete is dated by the change, since the row says when it was written.
    @Test func aRowsOwnTime() throws {
        let bench = try Self.bench(timestampField: "seen")
        let row = #"{"user":"u","seen":1500000000000}"#
        #expect(
            Self.take(bench, #"{"after":\#(row),"op":"u",\#(Self.source)}"#)
                == .event(time: 1_500_000_000_000_000, key: [.string("u")])
        )
        #expect(bench.row(0)[4] == .timestamp(Instant(microseconds: 1_500_000_000_000_000)))
        #expect(Self.take(bench, #"{"before":\#(row),"op":"d",\#(Self.source)}"#) == Self.delete)
        #expect(Self.take(bench, #"{"after":{"user":"u"},"op":"u",\#(Self.source)}"#) == .rejected(.missingTimestamp))
    }

    @Test func columnsComeFromTheRowAsItIsNow() throws {
        let bench = try Self.bench()
        let text = #"""
            {"amount":1,"before":{"amount":2,"user":"u"},"after":{"name":"é","amount":3.5,"user":"u","nested":{"amount":4}},
             "op":"u",\#(Self.source),"transaction":{"amount":5}}
            """#
        #expect(Self.take(bench, text) == Self.upsert)
        #expect(bench.row(0) == [.float64(3.5), .null, .string("é"), .null, .null])
    }

    @Test func messagesSayWhereAndWhatNext() throws {
        let bench = try Self.bench()
        func message(_ text: String) -> String {
            _ = Self.take(bench, text)
            return bench.intake.rejections.first?.message ?? ""
        }
        #expect(message(#"{"op":"t",\#(Self.source)}"#).contains("skipped.operations=t"))
        #expect(message(#"{"user":"u"}"#).contains("without 'envelope'"))
        #expect(message(#"{"op":"c","after":{"user":2},\#(Self.source)}"#).contains("'after.user'"))
        #expect(message(#"{"op":"c","after":{"user":"u"}}"#).contains("'source.ts_ms'"))
        #expect(message(#"{"op":"x\u0000\u001b[0m","after":{"user":"u"}}"#).contains("none of c, u, r and d"))
    }

    /// Every beginning of a good record is bad JSON, and no byte of it that is changed stops the reader.
    @Test func brokenRecords() throws {
        let bench = try Self.bench()
        let whole = Array(
            #"{"payload":{"before":{"user":"u"},"after":{"user":"u","amount":1},\#(Self.source),"op":"c"}}"#.utf8
        )
        for count in 0..<whole.count {
            let found = TombstoneIntakeTests.take(bench, key: nil, value: Array(whole[..<count]))
            #expect(found == .rejected(.badJSON), "\(count)")
        }
        var random = SplitMix64(seed: TestSeeds.list(1)[0])
        for _ in 0..<5000 {
            var bytes = whole
            for _ in 0...Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = TombstoneIntakeTests.take(bench, key: nil, value: bytes)
        }
        // Objects within objects, as deep as they like: nobody asked for their members.
        let deep = String(repeating: #"{"after":"#, count: 900) + "1" + String(repeating: "}", count: 900)
        #expect(Self.take(bench, deep) != Self.upsert)
        #expect(TombstoneIntakeTests.take(bench, key: nil, value: whole) == Self.upsert)
    }
}
