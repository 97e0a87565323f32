// Requests that are wrong, and what is said about them, to the byte.

import FeatureHistory
import FeatureModel
import Testing
import WireProtocol

@testable import FeatureHTTP

@Suite struct FailureTests {
    /// What Feast's client unpacks: a JSON string of JSON.
    private static func feast(_ name: String, _ message: String) -> String {
        #""{\"module\":\"feast.errors\",\"class\":\"\#(name)\",\"message\":\"\#(message)\"}""#
    }

    private static func detail(_ type: String, _ place: String, _ message: String) -> String {
        #"{"detail":[{"type":"\#(type)","loc":[\#(place)],"msg":"\#(message)","input":null}]}"#
    }

    private static let keys = #""entities":{"customer_id":[1]}"#
    private static let count = #""features":["spending:count_1d"]"#

    private static let cases: [(body: String, status: Int, answer: String)] = [
        // Bodies that are no request.
        ("[]", 422, detail("model_attributes_type", #""body""#, "Input should be a JSON object")),
        ("{\(count)}", 422, detail("missing", #""body","entities""#, "Field required")),
        (
            #"{\#(count),"entities":[1]}"#, 422,
            detail("dict_type", #""body","entities""#, "Input should be an object of lists")
        ),
        (
            #"{\#(count),"entities":{"customer_id":1}}"#, 422,
            detail("list_type", #""body","entities","customer_id""#, "Input should be a list")
        ),
        (
            #"{\#(count),"entities":{"customer_id":[[1]]}}"#, 422,
            detail("scalar_type", #""body","entities","customer_id""#, "Input should be a list of single values")
        ),
        (
            #"{"features":"spending:count_1d",\#(keys)}"#, 422,
            detail("list_type", #""body","features""#, "Input should be a valid list")
        ),
        (
            #"{"features":["a:b",1],\#(keys)}"#, 422,
            detail("string_type", #""body","features","1""#, "Input should be a valid string")
        ),
        (
            #"{"feature_service":1,\#(keys)}"#, 422,
            detail("string_type", #""body","feature_service""#, "Input should be a valid string")
        ),
        (
            #"{\#(count),\#(keys),"full_feature_names":"yes"}"#, 422,
            detail("bool_type", #""body","full_feature_names""#, "Input should be a valid boolean")
        ),
        // Names that there are not.
        (
            #"{"features":["nope:x"],\#(keys)}"#, 404,
            feast("FeatureViewNotFoundException", "no view 'nope'; views: spending, cards, latest, checkout")
        ),
        (
            #"{"features":["spending:count_2d"],\#(keys)}"#, 404,
            feast("FeastObjectNotFoundException", "no feature 'count_2d' in view 'spending'; did you mean 'count_1d'?")
        ),
        (
            #"{"features":["latest@x:shop"],\#(keys)}"#, 404,
            feast("FeatureViewNotFoundException", "no view 'latest@x'; did you mean 'latest'?")
        ),
        (
            #"{"feature_service":"smal",\#(keys)}"#, 404,
            feast("FeatureServiceNotFoundException", "no feature service 'smal'; did you mean 'small'?")
        ),
        (
            #"{"features":["spending"],\#(keys)}"#, 422,
            feast("FeastError", "'spending' is not a feature reference; write view:feature")
        ),
        ("{\(keys)}", 422, feast("FeastError", "give either feature_service or features, a list of view:feature")),
        (
            #"{"features":["spending:count_1d","cards:count_1d"],"entities":{"customer_id":[1],"card_no":["a"]}}"#, 422,
            feast(
                "FeatureNameCollisionError",
                "two features of the request are called 'count_1d'; ask with full_feature_names"
            )
        ),
        (
            #"{"features":["spending:count_1d","spending:count_1d"],\#(keys),"full_feature_names":true}"#, 422,
            feast(
                "FeatureNameCollisionError",
                "two features of the request are called 'spending__count_1d'; ask for it once"
            )
        ),
        // Entities.
        (
            #"{\#(count),"entities":{}}"#, 422,
            feast("FeastError", "entities has no row; give each join key a list of values")
        ),
        (
            #"{\#(count),"entities":{"customer_id":[]}}"#, 422,
            feast("FeastError", "entities has no row; give each join key a list of values")
        ),
        (
            #"{\#(count),"entities":{"customer_id":[1,2],"card_no":["a"]}}"#, 422,
            feast("FeastError", "the columns of entities differ in length: 'card_no' has 1 values, not 2")
        ),
        (
            #"{"features":["cards:count_1d"],\#(keys)}"#, 422,
            feast(
                "FeastError",
                "entities lacks the join key 'card_no' (string), which these features need; "
                    + "a Feast client before 0.64 sends the first join key of a view only"
            )
        ),
        (
            #"{\#(count),"entities":{"customer_id":[1],"custmer_id":[1]}}"#, 422,
            feast(
                "FeastError",
                "'custmer_id' of entities is neither a join key nor a request value; did you mean 'customer_id'?"
            )
        ),
        (
            #"{\#(count),"entities":{"customer_id":[1,null]}}"#, 422,
            feast("FeastError", "join key 'customer_id' (int64) of row 2 is null")
        ),
        (
            #"{\#(count),"entities":{"customer_id":[1.5]}}"#, 422,
            feast("FeastError", "join key 'customer_id' (int64) of row 1 is a number that is no integer of 64 bits")
        ),
        (
            #"{\#(count),"entities":{"customer_id":[9223372036854775808]}}"#, 422,
            feast("FeastError", "join key 'customer_id' (int64) of row 1 is a number that is no integer of 64 bits")
        ),
        (
            #"{"features":["cards:count_1d"],"entities":{"customer_id":[1],"card_no":[2]}}"#, 422,
            feast("FeastError", "join key 'card_no' (string) of row 1 is an integer")
        ),
        // Request values.
        (
            #"{"features":["checkout:share"],\#(keys)}"#, 404,
            feast("RequestDataNotFoundInEntityRowsException", "entities lacks the request values 'price' (float64)")
        ),
        (
            #"{"features":["checkout:share"],"entities":{"customer_id":[1],"price":["1"]}}"#, 422,
            feast("FeastError", "request value 'price' (float64) of row 1 is a string of another form")
        ),
        (
            #"{"features":["checkout:hour"],"entities":{"customer_id":[1],"since":["noon"]}}"#, 422,
            feast("FeastError", "request value 'since' (timestamp) of row 1 is a string of another form")
        ),
        (
            #"{"features":["checkout:hour"],"entities":{"customer_id":[1],"since":[9223372036854775807]}}"#, 422,
            feast("FeastError", "request value 'since' (timestamp) of row 1 is an integer")
        ),
    ]

    @Test func wrongRequests() async throws {
        try await withHTTP { http in
            for (body, status, answer) in Self.cases {
                let reply = try await http.post(body)
                #expect(reply.status == status, "\(body)")
                #expect(reply.body == answer, "\(body)")
                #expect(reply.headers["content-type"] == "application/json")
            }
        }
    }

    @Test(arguments: ["", "{", "{}x", "{\"a\":01}", "\u{1}", "{\"a\":NaN}", "{\"a\":\"\u{0}\"}"])
    func bodiesThatAreNotJSON(_ body: String) async throws {
        try await withHTTP { http in
            let reply = try await http.post(body)
            #expect(reply.status == 422)
            #expect(
                reply.body.hasPrefix(#"{"detail":[{"type":"json_invalid","loc":["body"],"msg":"JSON decode error: "#)
            )
        }
    }

    @Test(arguments: ["/push", "/write-to-online-store", "/push/"])
    func nothingIsWritten(_ path: String) async throws {
        try await withHTTP { http in
            let reply = try await http.post(#"{"push_source_name":"x","df":{}}"#, to: path)
            let shown = path.hasSuffix("/") ? String(path.dropLast()) : path
            #expect(reply.status == 403)
            #expect(
                reply.body
                    == Self.feast(
                        "FeastError",
                        "\(shown): nothing is written over HTTP. This server takes its data from Kafka topics, so that "
                            + "training sets see exactly what was served; produce the rows as JSON to the topic of the source"
                    )
            )
        }
    }

    @Test func pathsAndMethods() async throws {
        try await withHTTP { http in
            let missing = try await http.get("/materialize")
            #expect(missing.status == 404 && missing.body.hasPrefix(#"{"detail":"Not Found; there are: /get-online"#))
            let wrong = try await http.get("/get-online-features")
            #expect(wrong.status == 405 && wrong.body == #"{"detail":"Method Not Allowed; use POST"}"#)
            let other = try await http.post("", to: "/health")
            #expect(other.status == 405 && other.body == #"{"detail":"Method Not Allowed; use GET"}"#)
        }
    }
}
