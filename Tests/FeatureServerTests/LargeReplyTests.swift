import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

/// Short requests with long replies, which lists and maps make easy: the frame limit, and a peer that does not read.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LargeReplyTests {
    /// Rows of 27 bytes: at the last one that fits a frame of 4096 bytes, and one beyond it.
    @Test func repliesBeyondTheFrameLimitAreRefused() async throws {
        try await withServer(limits: WireLimits(frameSizeMax: 4096)) { server in
            try server.commit(customers: 0..<200, amount: 1, at: server.clock.now, firstOffset: 0)
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small")
            let now = server.clock.now.advanced(by: 1)
            for (count, fits) in [(150, true), (151, false), (200, false)] {
                let keys = (0..<Int64(count)).map { [FeatureValue.int64($0)] }
                let lookup = await code { () async throws(ClientError) in
                    _ = try await client.lookup(prepared, entities: keys, asOf: now)
                }
                let rows = await code { () async throws(ClientError) in
                    _ = try await client.rows(prepared, keys: keys, asOf: keys.map { _ in now })
                }
                #expect(lookup == (fits ? nil : .tooMany) && rows == (fits ? nil : .tooMany), "\(count) rows")
            }
            try await client.ping()
            await client.close()
        }
    }

    private func code(_ body: () async throws(ClientError) -> Void) async -> WireErrorCode? {
        do throws(ClientError) {
            try await body()
            return nil
        } catch {
            return error.code.wireCode
        }
    }

    /// 40 MB of replies to 160 kB of requests that are sent before the first reply is read: the server takes them as
    /// fast as they are read, and answers every one.
    @Test func repliesWaitForTheReader() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<1, amount: 1, at: server.clock.now, firstOffset: 0)
            let connection = try RawConnection(port: server.port)
            try connection.send(Hello(clientName: "raw"), id: 0)
            _ = try connection.readFrame()
            let references = Array(repeating: "purchases:count_1h", count: 1000)
            try connection.send(PrepareRequest(.references(references)), id: 1)
            let prepared = try PreparedReply(body: try connection.readFrame().body)
            var key: [UInt8] = []
            EntityKey.append(0, to: &key)
            let request = LookupRequest(
                lookupID: prepared.lookupID,
                asOf: server.clock.now.advanced(by: 1),
                keys: [key]
            )
            for id in 0..<UInt32(4000) { try connection.send(request, id: id + 10) }
            try connection.send(Ping(), id: 5)
            for id in 0..<UInt32(4000) {
                let frame = try connection.readFrame()
                #expect(frame.type == .values && frame.requestID == id + 10 && frame.body.readableBytes == 23 + 9000)
            }
            #expect(try connection.readFrame().type == .pong)
        }
    }
}
