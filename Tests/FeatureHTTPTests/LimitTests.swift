// Every limit at limit - 1, limit and limit + 1.

import FeatureHistory
import FeatureModel
import NIOCore
import Testing
import WireProtocol

@testable import FeatureHTTP

@Suite struct LimitTests {
    private static func request(rows: Int, more: String = "") -> String {
        let keys = (0..<rows).map { String($0) }.joined(separator: ",")
        return #"{"features":["spending:count_1d"],"entities":{"customer_id":[\#(keys)]}\#(more)}"#
    }

    @Test func rows() async throws {
        try await withHTTP(limits: WireLimits(entitiesMax: 5)) { http in
            for (rows, status) in [(4, 200), (5, 200), (6, 422)] {
                let reply = try await http.post(Self.request(rows: rows))
                #expect(reply.status == status)
                if status != 200 { #expect(reply.body.contains("6 rows in entities, of which a request may have 5")) }
            }
        }
    }

    @Test func features() async throws {
        let all = ["count_1d", "amount_sum_1d", "items"].map { "\"spending:\($0)\"" }
        try await withHTTP(limits: WireLimits(featuresMax: 2)) { http in
            for (count, status) in [(1, 200), (2, 200), (3, 422)] {
                let features = all.prefix(count).joined(separator: ",")
                let reply = try await http.post(#"{"features":[\#(features)],"entities":{"customer_id":[1]}}"#)
                #expect(reply.status == status)
                if status != 200 { #expect(reply.body.contains("3 features, of which a request may have 2")) }
            }
        }
    }

    @Test func columns() async throws {
        try await withHTTP { http in
            // Of a name that stands often the last counts; it is one column.
            let same = (0..<200).map { "\"customer_id\":[\($0)]" }.joined(separator: ",")
            let reply = try await http.post(#"{"features":["spending:count_1d"],"entities":{\#(same)}}"#)
            #expect(reply.status == 200 && reply.body.hasPrefix(#"{"results":[{"values":[199],"#))
            for (count, text) in [(128, "'c0' of entities is neither"), (129, "more than 128 columns in entities")] {
                let columns = (0..<count).map { "\"c\($0)\":[1]" }.joined(separator: ",")
                let reply = try await http.post(#"{"features":["spending:count_1d"],"entities":{\#(columns)}}"#)
                #expect(reply.status == 422 && reply.body.contains(text))
            }
        }
    }

    @Test func keys() async throws {
        // Two values share a key of 1024 bytes: the int64 takes 9, the string its length and 3 more.
        let most = EntityKey.byteCountMax - 9 - 3
        try await withHTTP { http in
            for (length, status) in [(most - 1, 200), (most, 200), (most + 1, 422)] {
                let card = String(repeating: "k", count: length)
                let body = #"{"features":["cards:count_1d"],"entities":{"customer_id":[1],"card_no":["\#(card)"]}}"#
                let got = try await http.post(body).status
                #expect(got == status)
            }
        }
    }

    @Test func strings() async throws {
        let most = RequestValues.stringByteCountMax
        try await withHTTP { http in
            for (length, status) in [(most - 1, 200), (most, 200), (most + 1, 422)] {
                let note = String(repeating: "k", count: length)
                let body = #"{"features":["checkout:noted"],"entities":{"customer_id":[1],"note":["\#(note)"]}}"#
                let reply = try await http.post(body)
                #expect(reply.status == status)
            }
        }
    }

    @Test func bodies() async throws {
        let bytes = HTTPState.bodyByteCountMax
        let bare = Self.request(rows: 1, more: #","x":"""#).utf8.count
        try await withHTTP { http in
            for (length, status) in [(bytes - 1, 200), (bytes, 200), (bytes + 1, 413)] {
                let fill = String(repeating: "x", count: length - bare)
                let body = Self.request(rows: 1, more: #","x":"\#(fill)""#)
                let reply = try await http.post(body)
                #expect(reply.status == status)
                if status != 200 { #expect(reply.body.contains("the body is longer than \(bytes) bytes")) }
                // Without a length the bytes themselves are counted.
                let size = String(body.utf8.count, radix: 16)
                let head = "POST /get-online-features HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                let chunked = head + "\(size)\r\n\(body)\r\n0\r\n\r\n"
                let got = try await HTTPExchange(http.server).send(chunked).status
                #expect(got == status)
            }
        }
    }

    /// Said before it is computed where the number of cells says it, and while it is written where only the values do.
    @Test func answers() async throws {
        let one = try await withHTTP { try await $0.post(Self.request(rows: 100)).body.utf8.count }
        try await withHTTP(limits: WireLimits(frameSizeMax: one)) { http in
            let got = try await http.post(Self.request(rows: 100)).status
            #expect(got == 200)
            let reply = try await http.post(Self.request(rows: 1000))
            #expect(reply.status == 422 && reply.body.contains("beyond the limit of \(one) bytes; ask for fewer"))
            let note = String(repeating: "n", count: one)
            let long = try await http.post(
                #"{"features":["checkout:noted"],"entities":{"customer_id":[1],"note":["\#(note)"]}}"#
            )
            #expect(long.status == 422 && long.body.contains("beyond the limit of \(one) bytes; ask for fewer"))
        }
    }

    @Test func theBudgetOfAllRequests() {
        let budget = ByteBudget(byteCountMax: 10)
        do {
            let one = ByteShare(budget)
            let other = ByteShare(budget)
            #expect(one.grow(by: 4) && one.grow(by: 5) && budget.takenByteCount == 9)
            #expect(!other.grow(by: 2) && other.grow(by: 1) && !other.grow(by: 1))
            #expect(one.replace(with: 2) && budget.takenByteCount == 3)
            #expect(!other.replace(with: 9) && budget.takenByteCount == 2, "what does not fit holds nothing")
            #expect(other.replace(with: 8) && !one.grow(by: .max))
        }
        #expect(budget.takenByteCount == 0, "a share that is dropped gives back what it held")
    }

    /// A body that does not come to its end does not hold its part of the budget for ever: the connection is closed.
    @Test func aBodyThatTakesTooLong() async throws {
        try await withHTTP(bodyTimeMax: .milliseconds(50)) { http in
            let half = "POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
            await #expect(throws: WireError.self) { try await HTTPExchange(http.server).send(half) }
            for _ in 0..<1000 where http.server.budget.takenByteCount > 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(http.server.budget.takenByteCount == 0)
        }
    }

    /// A client that sends half a body and goes holds its part only as long as it is there.
    @Test func theBudgetIsGivenBack() async throws {
        try await withHTTP { http in
            for _ in 0..<5 {
                let got = try await http.post(Self.request(rows: 100)).status
                #expect(got == 200)
            }
            _ = try await http.post("{")
            let body = Self.request(rows: 10)
            let half = "POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n\(body)"
            _ = try await HTTPExchange(http.server).send(Array(half.utf8), replies: 0)
            for _ in 0..<1000 where http.server.budget.takenByteCount > 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(http.server.budget.takenByteCount == 0)
        }
    }
}
