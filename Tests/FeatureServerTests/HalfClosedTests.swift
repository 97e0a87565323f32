import FeatureModel
import FeatureTesting
import NIOCore
import Testing
import WireProtocol

@testable import FeatureServer

/// A client that ends its side after its last request still gets the replies to all of them, whole.
@Suite(.timeLimit(.minutes(2)))
struct HalfClosedTests {
    @Test func shortRepliesCome() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<100, amount: 1, at: server.clock.now, firstOffset: 0)
            let connection = try RawConnection.greeted(server)
            try connection.send(PrepareRequest(.references(["purchases:count_1h"])), id: 1)
            let prepared = try PreparedReply(body: try connection.readFrame().body)
            for id in 0..<UInt32(200) {
                try connection.send(
                    LookupRequest(lookupID: prepared.lookupID, keys: [Self.key(Int64(id) % 100)]),
                    id: id + 10
                )
            }
            connection.endSending()
            for id in 0..<UInt32(200) {
                let reply = try connection.readFrame()
                #expect(reply.type == .values && reply.requestID == id + 10)
            }
        }
    }

    /// Far more than a socket holds, of the pool, and taken late: the connection ends behind the last byte.
    @Test func longRepliesCome() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<100, amount: 1, at: server.clock.now, firstOffset: 0)
            let connection = try RawConnection.greeted(server)
            let references = Array(repeating: "purchases:count_1h", count: 1000)
            try connection.send(PrepareRequest(.references(references)), id: 1)
            let prepared = try PreparedReply(body: try connection.readFrame().body)
            let keys = Array(repeating: Self.key(0), count: 600)
            for id in 0..<UInt32(3) {
                try connection.send(LookupRequest(lookupID: prepared.lookupID, keys: keys), id: id + 10)
            }
            connection.endSending()
            try await Task.sleep(for: .milliseconds(300))
            var answered: Set<UInt32> = []
            for _ in 0..<3 {
                let reply = try connection.readFrame()
                #expect(reply.type == .values)
                answered.insert(reply.requestID)
            }
            #expect(answered == [10, 11, 12])
        }
    }

    private static func key(_ customer: Int64) -> [UInt8] {
        var key: [UInt8] = []
        EntityKey.append(customer, to: &key)
        return key
    }
}
