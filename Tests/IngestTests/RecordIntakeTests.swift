import FeatureHistory
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import Ingest

/// What each record becomes: an event with these values, or a dead letter with this reason.
@Suite struct RecordIntakeTests {
    typealias Outcome = IntakeBench.Outcome
    static let noon: Int64 = 1_700_000_000_000_000

    /// `head` is a good record's beginning; the table gives what follows.
    static let head = #"{"t":"2023-11-14T22:13:20Z","user":"u""#

    static func accepted(
        _ amount: FeatureValue = .null,
        _ quantity: FeatureValue = .null,
        _ name: FeatureValue = .null,
        _ flag: FeatureValue = .null,
        _ seen: FeatureValue = .null
    ) -> Outcome {
        .accepted(noon, [amount, quantity, name, flag, seen])
    }

    static let table: [(String, Outcome)] = [
        // Plain.
        ("}", accepted()),
        (
            #","amount":1.5,"quantity":-3,"name":"x","flag":true,"seen":"2023-11-14T22:13:20Z"}"#,
            accepted(.float64(1.5), .int64(-3), .string("x"), .bool(true), .timestamp(Instant(microseconds: noon)))
        ),
        (#","amount":null,"quantity":null,"name":null,"flag":null,"seen":null}"#, accepted()),
        (#","unknown":{"a":[1,{"b":"}"}]},"amount":2}"#, accepted(.float64(2))),
        (#" , "amount" : 2 } "#, accepted(.float64(2))),
        // Numbers.
        (#","amount":-0.0}"#, accepted(.float64(0))), (#","amount":-0}"#, accepted(.float64(0))),
        (#","amount":9007199254740993}"#, accepted(.float64(9007199254740992))),
        (#","quantity":9007199254740993}"#, accepted(.null, .int64(9007199254740993))),
        (#","quantity":9223372036854775807}"#, accepted(.null, .int64(.max))),
        (#","quantity":-9223372036854775808}"#, accepted(.null, .int64(.min))),
        (#","quantity":9223372036854775808}"#, .rejected(.wrongType)),
        (#","quantity":-9223372036854775809}"#, .rejected(.wrongType)),
        (#","quantity":18446744073709551616}"#, .rejected(.wrongType)), (#","quantity":1.0}"#, .rejected(.wrongType)),
        (#","quantity":1e3}"#, .rejected(.wrongType)), (#","quantity":"1"}"#, .rejected(.wrongType)),
        (#","quantity":true}"#, .rejected(.wrongType)),
        (#","amount":"1.5"}"#, .rejected(.wrongType)), (#","amount":[1]}"#, .rejected(.wrongType)),
        (#","amount":{}}"#, .rejected(.wrongType)),
        (#","amount":1e308}"#, accepted(.float64(1e308))),
        (#","amount":5e-324}"#, accepted(.float64(.leastNonzeroMagnitude))),
        (#","amount":1e-999}"#, accepted(.float64(0))),
        (#","amount":1e999}"#, .rejected(.nonFinite)), (#","amount":-1e999}"#, .rejected(.nonFinite)),
        (#","amount":NaN}"#, .rejected(.nonFinite)),
        (#","amount":Infinity}"#, .rejected(.nonFinite)), (#","amount":-Infinity}"#, .rejected(.nonFinite)),
        (#","amount":nan}"#, .rejected(.nonFinite)),
        (#","quantity":NaN}"#, .rejected(.nonFinite)),
        (#","amount":01}"#, .rejected(.badJSON)), (#","amount":1.}"#, .rejected(.badJSON)),
        (#","amount":.5}"#, .rejected(.wrongType)), (#","amount":+1}"#, .rejected(.wrongType)),
        (#","amount":1x}"#, .rejected(.badJSON)), (#","amount":-}"#, .rejected(.badJSON)),
        (#","amount":nul}"#, .rejected(.badJSON)), (#","amount":nullx}"#, .rejected(.badJSON)),
        // Strings, booleans, times in columns.
        (#","name":"\u00e9\ud83c\udfd6\n\u0000"}"#, accepted(.null, .null, .string("é🏖\n\u{0}"))),
        (#","name":""}"#, accepted(.null, .null, .string(""))),
        (#","name":"\ud800"}"#, .rejected(.badJSON)), (#","name":"\x"}"#, .rejected(.badJSON)),
        (#","name":5}"#, .rejected(.wrongType)),
        (#","flag":false}"#, accepted(.null, .null, .null, .bool(false))), (#","flag":0}"#, .rejected(.wrongType)),
        (#","flag":"true"}"#, .rejected(.wrongType)),
        (#","flag":tru}"#, .rejected(.badJSON)), (#","flag":truex}"#, .rejected(.badJSON)),
        (#","seen":"yesterday"}"#, .rejected(.badTimestamp)), (#","seen":5}"#, .rejected(.wrongType)),
        // Duplicate keys: the last counts, even when an earlier one was wrong; escaped keys are keys.
        (#","amount":1,"amount":2}"#, accepted(.float64(2))), (#","amount":"x","amount":2}"#, accepted(.float64(2))),
        (#","amount":2,"amount":"x"}"#, .rejected(.wrongType)),
        (#","amount":1e999,"amount":null}"#, accepted()), (#","amount":null,"amount":3}"#, accepted(.float64(3))),
        (#","amount":3,"amount":null}"#, accepted()),
        (#","name":"a","name":"bc"}"#, accepted(.null, .null, .string("bc"))),
        (#","\u0061mount":4}"#, accepted(.float64(4))), (#","amoun\u0074":4,"amount":5}"#, accepted(.float64(5))),
        (#","amount\u0000":4}"#, accepted()),
        (#","amoun":4,"amount2":5,"Amount":6,"":7}"#, accepted()),
        // Not one JSON object.
        (#"} "#, accepted()), (#"}}"#, .rejected(.badJSON)), (#"} x"#, .rejected(.badJSON)),
        (#"}{}"#, .rejected(.badJSON)), (#"},"#, .rejected(.badJSON)),
        (#",}"#, .rejected(.badJSON)), (#","amount"}"#, .rejected(.badJSON)), (#","amount":}"#, .rejected(.badJSON)),
        (#","amount":1,,"quantity":2}"#, .rejected(.badJSON)),
        (#"],"#, .rejected(.badJSON)), (#","name":"unclosed}"#, .rejected(.badJSON)), ("", .rejected(.badJSON)),
        (#","amount":1"#, .rejected(.badJSON)),
    ]

    @Test func oneRecordAtATime() throws {
        let bench = try IntakeBench()
        for (tail, expected) in Self.table { #expect(bench.take(Self.head + tail) == expected, "\(tail)") }
        // The decoder keeps nothing of a bad record: the next is judged by itself.
        for (tail, expected) in Self.table.shuffled() { #expect(bench.take(Self.head + tail) == expected, "\(tail)") }
    }

    @Test(
        arguments: [
            ("", .rejected(.badJSON)), (" ", .rejected(.badJSON)), ("null", .rejected(.badJSON)),
            ("[]", .rejected(.badJSON)), ("5", .rejected(.badJSON)),
            (#""text""#, .rejected(.badJSON)), ("{}", .rejected(.missingTimestamp)),
            (#"{"user":"u"}"#, .rejected(.missingTimestamp)),
            (#"{"t":null,"user":"u"}"#, .rejected(.missingTimestamp)),
            (#"{"t":"2023-11-14T22:13:20Z"}"#, .rejected(.missingKey)),
            (#"{"t":"2023-11-14T22:13:20Z","user":null}"#, .rejected(.missingKey)),
            (#"{"t":"2023-11-14T22:13:20Z","user":5}"#, .rejected(.wrongType)),
            (#"{"t":"2023-11-14","user":"u"}"#, .accepted(1_699_920_000_000_000, Array(repeating: .null, count: 5))),
            (#"{"t":"0001-01-01","user":"u"}"#, .accepted(-62_135_596_800_000_000, Array(repeating: .null, count: 5))),
            (
                #"{"t":"9999-12-31T23:59:59.999999Z","user":"u"}"#,
                .accepted(253_402_300_799_999_999, Array(repeating: .null, count: 5))
            ),
            (#"{"t":"0001-01-01T00:00:00+00:01","user":"u"}"#, .rejected(.badTimestamp)),
            (#"{"t":"9999-12-31T23:59:59-00:01","user":"u"}"#, .rejected(.badTimestamp)),
            (#"{"t":"0000-01-01","user":"u"}"#, .rejected(.badTimestamp)),
            (#"{"t":"2023-02-29","user":"u"}"#, .rejected(.badTimestamp)),
            (#"{"t":"","user":"u"}"#, .rejected(.badTimestamp)),
            (#"{"t":1700000000,"user":"u"}"#, .rejected(.wrongType)),
        ] as [(String, Outcome)]
    )
    func timesAndKeys(json: String, expected: Outcome) throws {
        #expect(try IntakeBench().take(json) == expected)
    }

    @Test(
        arguments: [
            (.epochSeconds, "1700000000", noon), (.epochSeconds, "1700000000.123456", noon + 123_456),
            (.epochSeconds, "1.7e9", noon), (.epochSeconds, "-1", -1_000_000),
            (.epochSeconds, "0", 0), (.epochSeconds, "-0.000001", -1), (.epochSeconds, "9223372036855", nil),
            (.epochSeconds, "1e300", nil), (.epochSeconds, #""1700000000""#, nil),
            (.epochMilliseconds, "1700000000000", noon), (.epochMilliseconds, "1700000000000.5", nil),
            (.epochMilliseconds, "9223372036854775807", nil), (.epochMilliseconds, "253402300800000", nil),
            (.epochMicroseconds, "1700000000000000", noon),
            (.epochMicroseconds, "-62135596800000000", -62_135_596_800_000_000),
            (.epochMicroseconds, "-62135596800000001", nil),
            (.epochMicroseconds, "253402300799999999", 253_402_300_799_999_999),
            (.epochMicroseconds, "253402300800000000", nil), (.epochMicroseconds, "true", nil),
            (.epochMicroseconds, "NaN", nil),
        ] as [(TimestampFormat, String, Int64?)]
    )
    func epochs(format: TimestampFormat, text: String, expected: Int64?) throws {
        let bench = try IntakeBench(Purchases.definition(format: format))
        let outcome = bench.take(#"{"t":\#(text),"user":"u","seen":\#(text)}"#)
        if let expected {
            #expect(
                outcome
                    == .accepted(expected, [.null, .null, .null, .null, .timestamp(Instant(microseconds: expected))])
            )
        } else {
            guard case .rejected(let reason) = outcome else {
                Issue.record("\(text) was accepted: \(outcome)")
                return
            }
            #expect([.wrongType, .badTimestamp, .nonFinite].contains(reason))
        }
    }

    /// Before the first record a decoder has no bytes of text at all.
    @Test func anEmptyStringComesFirst() throws {
        let bench = try IntakeBench(Purchases.definition(format: .epochMicroseconds))
        let outcome = bench.take(#"{"t":\#(Self.noon),"user":"","name":""}"#)
        #expect(outcome == Self.accepted(.null, .null, .string("")))
    }

    @Test func bytesBeforeTheJSON() throws {
        let bench = try IntakeBench()
        let good = Array((Self.head + "}").utf8)
        #expect(bench.take(nil) == .tombstone)
        #expect(bench.intake.skippedNulls == 1)
        #expect(bench.take([0, 0, 0, 0, 9] + good) == .rejected(.schemaRegistryPrefix))
        #expect(bench.take([0]) == .rejected(.badJSON))
        #expect(bench.take([0xef, 0xbb, 0xbf] + good) == .rejected(.badJSON), "a byte order mark is not JSON")
        #expect(bench.take(good + [0]) == .rejected(.badJSON))
        #expect(
            bench.take(Array((Self.head + #","name":""#).utf8) + [0xff] + Array(#""}"#.utf8)) == .rejected(.badJSON),
            "not UTF-8"
        )
        #expect(
            bench.take(Array((Self.head + #","name":""#).utf8) + [0xed, 0xa0, 0x80] + Array(#""}"#.utf8))
                == .rejected(.badJSON),
            "a surrogate in UTF-8"
        )
        #expect(bench.take(good) == Self.accepted())
    }

    @Test func everyTruncationIsBadJSON() throws {
        let bench = try IntakeBench()
        let whole = Array(
            (Self.head
                + #","amount":1.5,"quantity":-3,"name":"x\u00e9y","flag":true,"other":[1,{"a":"b"}],"seen":"2023-11-14T22:13:20Z"}"#)
                .utf8
        )
        // A longer record first: its tail stands in the decoder's buffer and must not complete what is cut short.
        for count in 0..<whole.count {
            #expect(
                bench.take(whole)
                    == Self.accepted(
                        .float64(1.5),
                        .int64(-3),
                        .string("xéy"),
                        .bool(true),
                        .timestamp(Instant(microseconds: Self.noon))
                    )
            )
            #expect(bench.take(Array(whole.prefix(count))) == .rejected(.badJSON), "\(count) bytes")
        }
    }

    @Test func deepNesting() throws {
        let bench = try IntakeBench()
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let depth = 100_000
            let deep = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            // Nobody asked for the field: it is skipped, or refused; either way the next record is judged by itself.
            let skipped = bench.take(Self.head + #","other":"# + deep + "}")
            #expect(skipped == Self.accepted() || skipped == .rejected(.badJSON))
            #expect(bench.take(Self.head + #","amount":"# + deep + "}") == .rejected(.wrongType))
            #expect(bench.take(deep) != Self.accepted())
            #expect(
                bench.take(Self.head + #","amount":"# + String(repeating: open, count: depth)) == .rejected(.badJSON)
            )
            #expect(bench.take(Self.head + "}") == Self.accepted())
        }
    }

    @Test func longStringsAndOversizedRecords() throws {
        let text = String(repeating: "ä\\n", count: 2_500_000)
        let record = Self.head + #","name":""# + text + #""}"#
        let roomy = try IntakeBench(Purchases.definition(recordBytesMax: 1 << 24))
        #expect(roomy.take(record) == Self.accepted(.null, .null, .string(text.replacing("\\n", with: "\n"))))
        #expect(try IntakeBench().take(record) == .rejected(.oversized))
        let short = Array((Self.head + "}").utf8)
        #expect(try IntakeBench(Purchases.definition(recordBytesMax: short.count)).take(short) == Self.accepted())
        #expect(
            try IntakeBench(Purchases.definition(recordBytesMax: short.count - 1)).take(short) == .rejected(.oversized)
        )
    }

    @Test func keysHaveALimit() throws {
        let bench = try IntakeBench()
        for (count, expected) in [
            (0, Self.accepted()), (1021, Self.accepted()), (1022, .rejected(.keyTooLong)),
            (1024, .rejected(.keyTooLong)), (70_000, .rejected(.keyTooLong)),
        ] {
            #expect(
                bench.take(#"{"t":"2023-11-14T22:13:20Z","user":""# + String(repeating: "k", count: count) + #""}"#)
                    == expected,
                "\(count)"
            )
        }
    }

    /// Two entities: a record that lacks the second key is not half an event.
    @Test func aRecordIsOneEventOrNone() throws {
        let bench = try IntakeBench(Purchases.definition(isCardUsed: true))
        bench.add(Array((Self.head + #","card":1,"name":"first"}"#).utf8), offset: 1, number: 0)
        bench.add(Array((Self.head + #","name":"second"}"#).utf8), offset: 2, number: 1)
        bench.add(Array((Self.head + #","card":3,"name":"third"}"#).utf8), offset: 3, number: 2)
        #expect(bench.intake.rejections.map(\.record) == [1])
        #expect(bench.intake.rejections.map(\.reason) == [.missingKey])
        #expect(bench.intake.batches.map(\.count) == [2, 2])
        #expect((0..<2).map { bench.intake.batches[1].offsets[$0] } == [1, 3])
        #expect((0..<2).map { bench.row($0)[2] } == [.string("first"), .string("third")])
    }

    @Test func distanceFromTheArrivalDecides() throws {
        let arrival = Instant(microseconds: Self.noon)
        for history in [HistoryLength.forever, .microseconds(5_000_000)] {
            let bench = try IntakeBench(
                Purchases.definition(format: .epochMicroseconds, history: history, isCardUsed: true)
            )
            let edges: [Int64] = [3_600_000_000, 3_600_000_001, 0, -5_000_000, -5_000_001, 7_000_000_000, -1]
            for (index, edge) in edges.enumerated() {
                bench.add(
                    Array(#"{"t":\#(Self.noon + edge),"user":"u","card":1,"quantity":\#(index)}"#.utf8),
                    offset: Int64(index),
                    number: index
                )
            }
            #expect(bench.intake.acceptedCount == edges.count)
            bench.intake.decide(arrival: arrival, horizon: .distantPast)
            let isForever = history == .forever
            #expect(bench.intake.rejections.map(\.record) == (isForever ? [1, 5] : [1, 4, 5]))
            #expect(
                bench.intake.rejections.map(\.reason)
                    == (isForever
                        ? [.tooFarInFuture, .tooFarInFuture] : [.tooFarInFuture, .outsideHistory, .tooFarInFuture])
            )
            let kept: [Int64] = isForever ? [0, 2, 3, 4, 6] : [0, 2, 3, 6]
            for batch in bench.intake.batches { #expect((0..<batch.count).map { batch.offsets[$0] } == kept) }
            #expect((0..<kept.count).map { bench.row($0)[1] } == kept.map { .int64($0) })
            // Deciding again changes nothing.
            bench.intake.decide(arrival: arrival, horizon: .distantPast)
            #expect(bench.intake.acceptedCount == kept.count)
        }
        // At the ends of time the distances are held, not wrapped.
        let bench = try IntakeBench(Purchases.definition(format: .epochMicroseconds, history: .microseconds(.max)))
        bench.add(Array(#"{"t":0,"user":"u"}"#.utf8))
        bench.intake.decide(arrival: .distantFuture, horizon: .distantPast)
        #expect(bench.intake.acceptedCount == 1)
    }

    /// Any bytes at all: an outcome, never a trap; and a good record after each is still good.
    @Test func mutationsNeverTrap() throws {
        let bench = try IntakeBench()
        let whole = Array(
            (Self.head
                + #","amount":1.5,"quantity":-3,"name":"x\u00e9y","flag":true,"other":[1,{"a":"b"}],"seen":"2023-11-14T22:13:20Z"}"#)
                .utf8
        )
        let pieces = [
            #""amount":"#, "1e999", "{", "}", "[", "]", "\"", "\\", ",", ":", "null", "\u{0}", "NaN",
            "9999999999999999999", "\\u00",
        ].map { Array($0.utf8) }
        var outcomes: [Bool: Int] = [:]
        for seed in TestSeeds.list(20_000) {
            var random = SplitMix64(seed: seed)
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
                case 2:
                    bytes.removeSubrange(
                        place..<max(place, min(bytes.count - 1, place + Int.random(in: 0...5, using: &random)))
                    )
                case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default: bytes = Array(bytes.prefix(place + 1))
                }
            }
            if case .accepted = bench.take(bytes) {
                outcomes[true, default: 0] += 1
            } else {
                outcomes[false, default: 0] += 1
            }
            if bench.take(Self.head + "}") != Self.accepted() {
                Issue.record("\(TestSeeds.hint(seed)): a good record after \(bytes) was not taken")
                return
            }
        }
        if TestSeeds.list(2).count > 1 {
            #expect(outcomes[true, default: 0] > 100 && outcomes[false, default: 0] > 100)
        }
    }

    @Test func aFieldCanBeTimeOrValueButNotBoth() throws {
        var definition = Purchases.definition(format: .epochMilliseconds)
        definition.sources[0].timestampField = "quantity"
        #expect { try IntakeBench(definition) } throws: { "\($0)".contains("'quantity' is the timestamp field") }
        // As a timestamp it is both: event time and column.
        definition.sources[0].timestampField = "seen"
        let bench = try IntakeBench(definition)
        #expect(
            bench.take(#"{"seen":1700000000000,"user":"u"}"#)
                == Self.accepted(.null, .null, .null, .null, .timestamp(Instant(microseconds: Self.noon)))
        )
    }
}
