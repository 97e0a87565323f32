// Requests and their answers, to the byte.

import FeatureHistory
import FeatureModel
import Testing
import WireProtocol

@testable import FeatureHTTP

@Suite struct GoldenAnswerTests {
    private static let day = HTTPUnderTest.day

    /// Customer 1 has two orders of today, 2 one of long ago.
    static let orders: [(age: Int64, fields: [String: FeatureValue])] = [
        (
            7_200_000_000,
            [
                "customer_id": .int64(1), "card_no": .string("a\"b"), "amount": .float64(10), "n": .int64(5),
                "shop": .string("nörd"), "gift": .bool(true), "due": .timestamp(Instant(microseconds: 1_500_000)),
            ]
        ),
        (
            3_600_000_000 - 1,
            [
                "customer_id": .int64(1), "card_no": .string("c"), "amount": .float64(0.5), "n": .int64(5),
                "shop": .string("süd"), "gift": .bool(false), "due": .timestamp(Instant(microseconds: -1)),
            ]
        ),
        (
            2 * day,
            [
                "customer_id": .int64(2), "card_no": .string("a"), "amount": .float64(1e300), "n": .int64(1),
                "shop": .string("x"), "gift": .bool(true),
            ]
        ),
    ]

    /// From memory, then from disk.
    private func check(_ body: String, _ answer: String, _ place: SourceLocation = #_sourceLocation) async throws {
        let replies = try await withHTTP { http in
            try http.commit(Self.orders)
            let resident = try await http.post(body)
            try http.store.fold()
            http.store.evictAll()
            let cold = try await http.post(body)
            return [resident, cold]
        }
        for reply in replies {
            #expect(reply.status == 200, sourceLocation: place)
            #expect(reply.headers["content-type"] == "application/json", sourceLocation: place)
            #expect(reply.body == answer, sourceLocation: place)
        }
    }

    private static let epoch = "\"1970-01-01T00:00:00Z\""
    private static let newest = "\"2023-11-14T21:13:20.000001Z\""
    private static let old = "\"2023-11-12T22:13:20Z\""

    @Test func aServiceInItsOrder() async throws {
        try await check(
            #"{"feature_service":"small@1","entities":{"customer_id":[1,2,-9223372036854775808]}}"#,
            #"{"results":[{"values":[1,2,-9223372036854775808],"statuses":["PRESENT","PRESENT","PRESENT"],"#
                + #""event_timestamps":[\#(Self.epoch),\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[2,0,0],"statuses":["PRESENT","PRESENT","NOT_FOUND"],"#
                + #""event_timestamps":[\#(Self.newest),\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[10.5,null,null],"statuses":["PRESENT","NULL_VALUE","NOT_FOUND"],"#
                + #""event_timestamps":[\#(Self.newest),\#(Self.epoch),\#(Self.epoch)]}],"#
                + #""metadata":{"feature_names":["customer_id","count_1d","amount_sum_1d"]}}"#
        )
    }

    @Test func fullNamesAndViewMetadata() async throws {
        try await check(
            #"{"features":["spending:count_1d","latest@v3:shop","latest@latest:gift"],"entities":{"customer_id":[2]},"#
                + #""full_feature_names":true,"include_feature_view_version_metadata":true,"unheard":{"of":[1]}}"#,
            #"{"results":[{"values":[2],"statuses":["PRESENT"],"event_timestamps":[\#(Self.epoch)]},"#
                + #"{"values":[0],"statuses":["PRESENT"],"event_timestamps":[\#(Self.epoch)]},"#
                + #"{"values":[null],"statuses":["OUTSIDE_MAX_AGE"],"event_timestamps":[\#(Self.old)]},"#
                + #"{"values":[null],"statuses":["OUTSIDE_MAX_AGE"],"event_timestamps":[\#(Self.old)]}],"#
                + #""metadata":{"feature_names":["customer_id","spending__count_1d","latest@v3__shop","#
                + #""latest@latest__gift"],"feature_view_metadata":[{"name":"spending"},{"name":"latest"}]}}"#
        )
    }

    @Test func listsMapsTimesAndFlags() async throws {
        try await check(
            #"{"features":["spending:shops","spending:sizes","spending:by_shop","spending:due","latest:gift"],"#
                + #""entities":{"customer_id":[1,3]}}"#,
            #"{"results":[{"values":[1,3],"statuses":["PRESENT","PRESENT"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[["nörd","süd"],null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":[\#(Self.newest),\#(Self.epoch)]},"#
                + #"{"values":[{"5":2},null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":[\#(Self.newest),\#(Self.epoch)]},"#
                + #"{"values":[{"nörd":10.0,"süd":0.5},null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":[\#(Self.newest),\#(Self.epoch)]},"#
                + #"{"values":[-1,null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":[\#(Self.newest),\#(Self.epoch)]},"#
                + #"{"values":[false,null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":[\#(Self.newest),\#(Self.epoch)]}],"#
                + #""metadata":{"feature_names":["customer_id","shops","sizes","by_shop","due","gift"]}}"#
        )
    }

    /// Columns in any order; a float that is whole is an integer key.
    @Test func twoJoinKeys() async throws {
        try await check(
            #"{"features":["cards:count_1d"],"entities":{"card_no":["a\"b","zé"],"customer_id":[1.0,1]}}"#,
            #"{"results":[{"values":["a\"b","zé"],"statuses":["PRESENT","PRESENT"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[1,1],"statuses":["PRESENT","PRESENT"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[1,0],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["2023-11-14T20:13:20Z",\#(Self.epoch)]}],"#
                + #""metadata":{"feature_names":["card_no","customer_id","count_1d"]}}"#
        )
    }

    /// Request values are columns too; they are not told again. An entity's name stands for its only join key.
    @Test func derivedFeatures() async throws {
        let times = "\"event_timestamps\":[\(Self.newest),\(Self.newest)]"
        try await check(
            #"{"features":["checkout:share","checkout:noted","checkout:hour","checkout:firsts","checkout:total"],"#
                + #""entities":{"customer":[1,1],"price":[21,null],"note":["a\u0001\n",null],"since":[3600,"1970-01-01T02:30:00Z"],"#
                + #""first":[false,true],"units":[3,4.0]}}"#,
            #"{"results":[{"values":[1,1],"statuses":["PRESENT","PRESENT"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[2.0,null],"statuses":["PRESENT","NULL_VALUE"],\#(times)},"#
                + #"{"values":["a\u0001\n!",null],"statuses":["PRESENT","NULL_VALUE"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[1,2],"statuses":["PRESENT","PRESENT"],"event_timestamps":[\#(Self.epoch),\#(Self.epoch)]},"#
                + #"{"values":[true,true],"statuses":["PRESENT","PRESENT"],\#(times)},"#
                + #"{"values":[5,6],"statuses":["PRESENT","PRESENT"],\#(times)}],"#
                + #""metadata":{"feature_names":["customer_id","share","noted","hour","firsts","total"]}}"#
        )
    }

    /// What the binary protocol calls PARTIAL is PRESENT here, and OVERFLOW has no value.
    @Test func partialAndOverflow() async throws {
        try await withHTTP { http in
            let big = FeatureValue.int64(.max)
            let fields: [String: FeatureValue] = ["customer_id": .int64(1), "card_no": .string("a"), "n": big]
            let since = HTTPUnderTest.now.advanced(by: -2 * Self.day)
            try http.commit([(1000, fields), (2000, fields)], availableFrom: since)
            let features = #""spending:count_lifetime","spending:amount_mean_lifetime","spending:items""#
            let reply = try await http.post(#"{"features":[\#(features)],"entities":{"customer_id":[1]}}"#)
            let time = "\"event_timestamps\":[\"2023-11-14T22:13:19.999Z\"]"
            #expect(
                reply.body
                    == #"{"results":[{"values":[1],"statuses":["PRESENT"],"event_timestamps":[\#(Self.epoch)]},"#
                    + #"{"values":[2],"statuses":["PRESENT"],\#(time)},{"values":[null],"statuses":["NULL_VALUE"],"event_timestamps":[\#(Self.epoch)]},"#
                    + #"{"values":[null],"statuses":["NULL_VALUE"],\#(time)}],"#
                    + #""metadata":{"feature_names":["customer_id","count_lifetime","amount_mean_lifetime","items"]}}"#
            )
        }
    }

    /// Old clients send JSON as a form, or as nothing in particular; and a slash at the end.
    @Test func whateverTheContentType() async throws {
        try await withHTTP { http in
            let body = #"{"features":["spending:count_1d"],"entities":{"customer_id":[1]}}"#
            let plain = try await http.post(body)
            for headers in [
                "Content-Type: application/json\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
                "Content-Type: nonsense\r\n", "Accept-Encoding: gzip, deflate\r\n",
            ] {
                let reply = try await http.post(body, to: "/get-online-features/", headers)
                #expect(reply.status == 200 && reply.body == plain.body)
            }
        }
    }

    /// Two requests on one connection, sent at once, and a body in chunks.
    @Test func oneConnection() async throws {
        try await withHTTP { http in
            let body = #"{"features":["spending:count_1d"],"entities":{"customer_id":[7]}}"#
            let plain = try await http.post(body)
            let whole =
                "POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            var chunked = "POST /get-online-features HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            for character in body { chunked += "1\r\n\(character)\r\n" }
            chunked += "0\r\n\r\n"
            let replies = try await HTTPExchange(http.server).send(Array((whole + chunked + whole).utf8), replies: 3)
            #expect(replies.map(\.body) == [plain.body, plain.body, plain.body])
        }
    }
}
