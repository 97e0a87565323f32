import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// Clients that say nothing, too little or too slowly are ended; those that take part are not.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SlowClientTests {
    private func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = ServerLimits.quick
        change(&limits)
        return limits
    }

    @Test func helloMustComeInTime() async throws {
        try await withServer(serverLimits: limits { $0.greetingTimeout = .milliseconds(200) }) { server in
            let silent = try RawConnection(port: server.port)
            let bytes = try #require(silent.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.notGreeted])
            // Half a HELLO is none.
            let slow = try RawConnection(port: server.port)
            slow.send([40, 0, 0, 0, 1])
            #expect(try RawConnection.errorCodes(in: try #require(slow.readToEnd())) == [.notGreeted])
        }
    }

    @Test func idleConnectionsEnd() async throws {
        try await withServer(serverLimits: limits { $0.idleTimeout = .milliseconds(300) }) { server in
            let idle = try RawConnection.greeted(server)
            #expect(idle.readToEnd() == [])
        }
    }

    /// A frame that comes a byte at a time is answered.
    @Test func slowWriters() async throws {
        try await withServer { server in
            let patient = try RawConnection.greeted(server)
            var frame = ByteBuffer()
            try Ping().writeFrame(requestID: 3, into: &frame)
            for _ in 0..<3 {
                for byte in frame.readableBytesView {
                    patient.send([byte])
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(try patient.readFrame().type == .pong)
            }
        }
    }

    @Test func aFrameMustEnd() async throws {
        try await withServer(serverLimits: limits { $0.frameTimeout = .milliseconds(300) }) { server in
            let stuck = try RawConnection.greeted(server)
            stuck.send([8, 0, 0, 0, 0x30, 0, 0])
            let bytes = try #require(stuck.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.malformedFrame])
        }
    }

    /// A client that takes no replies is closed, and what it held is given back; a good one beside it is answered.
    @Test func readersThatTakeNothing() async throws {
        try await withServer(serverLimits: limits { $0.stallTimeout = .milliseconds(400) }) { server in
            try server.commit(customers: 0..<1, amount: 1, at: server.clock.now, firstOffset: 0)
            let bad = try RawConnection.greeted(server)
            let references = Array(repeating: "purchases:count_1h", count: 1000)
            try bad.send(PrepareRequest(.references(references)), id: 1)
            let prepared = try PreparedReply(body: try bad.readFrame().body)
            var key: [UInt8] = []
            EntityKey.append(0, to: &key)
            let keys = Array(repeating: key, count: 1000)
            // 9 MB a reply: more than the system's buffers take.
            for id in 0..<UInt32(4) {
                try bad.send(LookupRequest(lookupID: prepared.lookupID, keys: keys), id: id + 10)
            }
            let good = try await server.connect()
            for _ in 0..<1000 where server.load.connectionCount == 2 {
                try await good.ping()
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(server.load.connectionCount == 1)
            #expect(server.load.byteCount == 0)
            await good.close()
        }
    }

    /// The bytes of frames that never end are bounded over all connections: one that would go beyond is answered with
    /// OVERLOADED and skipped, and its connection goes on.
    @Test func frameWithoutMemoryIsSkipped() async throws {
        try await withServer(serverLimits: limits { $0.byteCountMax = 100_000 }) { server in
            let connection = try RawConnection.greeted(server)
            var frame = ByteBuffer()
            try AdminRequest(verb: "plan", body: String(repeating: "x", count: 400_000))
                .writeFrame(requestID: 3, into: &frame)
            connection.send(frame.readableBytesView.dropLast(1))
            let refusal = try connection.readFrame()
            #expect(refusal.requestID == 3)
            #expect(try ErrorReply(body: refusal.body).error.code == .overloaded)
            connection.send(frame.readableBytesView.suffix(1))
            try connection.send(Ping(), id: 4)
            #expect(try connection.readFrame().type == .pong)
            #expect(server.load.byteCount == 0)
        }
    }

    /// What is in flight is answered, then the client hears why, then the end.
    @Test func stoppingDrains() async throws {
        let server = try await ServerUnderTest()
        let connection = try RawConnection.greeted(server)
        let idle = try RawConnection.greeted(server)
        var stopping: Task<Void, any Error>?
        try await server.withBusyPool {
            for id in 0..<UInt32(10) { try connection.send(AdminRequest(verb: "describe"), id: id + 1) }
            try connection.send(Ping(), id: 99)
            #expect(try connection.readFrame().type == .pong)
            stopping = Task { try await server.stop() }
            // The idle one is told at once, while the other's requests wait.
            #expect(try RawConnection.errorCodes(in: try #require(idle.readToEnd())) == [.notReady])
        }
        var types: [MessageType] = []
        for _ in 0..<10 { types.append(try connection.readFrame().type) }
        #expect(types == Array(repeating: .adminReply, count: 10))
        let last = try connection.readFrame()
        #expect(last.requestID == 0)
        #expect(try ErrorReply(body: last.body).error.code == .notReady)
        try await stopping?.value
        #expect(server.load.connectionCount == 0 && server.load.byteCount == 0)
    }
}
