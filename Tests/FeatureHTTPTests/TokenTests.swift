import FeatureHistory
import FeatureModel
import Testing
import WireProtocol

@testable import FeatureHTTP

@Suite struct TokenTests {
    private static let body = #"{"features":["spending:count_1d"],"entities":{"customer_id":[1]}}"#

    @Test func onlyTokensEnter() async throws {
        try await withHTTP(tokens: "secret\n") { http in
            for header in ["Authorization: Bearer secret\r\n", "authorization: bearer  secret\r\n"] {
                let got = try await http.post(Self.body, to: "/get-online-features", header).status
                #expect(got == 200)
                let metrics = try await http.get("/metrics", header).status
                #expect(metrics == 200)
            }
            for header in [
                "", "Authorization: Bearer secrets\r\n", "Authorization: Bearer\r\n", "Authorization: secret\r\n",
                "Authorization: Basic secret\r\n", "Authorization: Bearer a secret\r\n",
            ] {
                let reply = try await http.post(Self.body, to: "/get-online-features", header)
                #expect(reply.status == 401, "\(header)")
                #expect(
                    reply.body
                        == #""{\"module\":\"feast.errors\",\"class\":\"FeastPermissionError\",\"message\":\"a valid token "#
                        + #"is needed; send the header Authorization: Bearer <token>\"}""#
                )
                #expect(reply.headers["www-authenticate"] == "Bearer")
            }
        }
    }

    /// What is asked for does not matter, nor whether it is there; probers need no token.
    @Test func allButHealth() async throws {
        try await withHTTP(tokens: "secret\n") { http in
            for path in ["/metrics", "/nothing", "/", "/readyz?verbose"] {
                let reply = try await http.get(path)
                #expect(reply.status == 401)
            }
            let got = try await http.post("{}", to: "/push").status
            #expect(got == 401)
            for path in ["/health", "/livez", "/readyz", "/healthz"] {
                let got = try await http.get(path).status
                #expect(got == 200)
            }
        }
    }

    /// A body that nobody may send is not taken into memory.
    @Test func noBodyIsRead() async throws {
        try await withHTTP(tokens: "secret\n") { http in
            let head = "POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"
            let got = try await HTTPExchange(http.server).send(head).status
            #expect(got == 401)
            #expect(http.server.budget.takenByteCount == 0)
        }
    }
}
