import Logging
import NIOCore
import NIOEmbedded
import Scheduling
import Testing
import WireProtocol

@testable import FeatureServer

/// The times of a connection to the millisecond, by a clock that the test moves: at the limit less one, at it.
@Suite struct ConnectionTimeTests {
    /// A connection without a socket, whose sweep is the test.
    private final class Connection {
        let channel = EmbeddedChannel()
        let loop: LoopConnections
        let handler: ConnectionHandler
        let start: NIODeadline

        init(_ server: ServerUnderTest, greets: Bool = true) throws {
            var log = Logger(label: "test")
            log.logLevel = .critical
            let shared = ServerContext(
                store: server.store,
                pool: ReaderPool(threads: 0),
                admin: AdminRouter(),
                log: log,
                serverName: "test"
            )
            loop = LoopConnections(shared.load, on: channel.embeddedEventLoop)
            handler = ConnectionHandler(shared, loop)
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            start = loop.now
            if greets { try send(Hello(clientName: "test")) }
        }

        func send(_ message: some WireMessage, bytes: Range<Int>? = nil) throws {
            var frame = ByteBuffer()
            try message.writeFrame(requestID: 1, into: &frame)
            if let bytes, let part = frame.getSlice(at: bytes.lowerBound, length: bytes.count) { frame = part }
            try channel.writeInbound(frame)
        }

        /// Whether the connection is there at an instant, in milliseconds from its start.
        func isThere(at time: Int64) -> Bool {
            loop.now = start + .milliseconds(time)
            handler.look(loop.now)
            return handler.phase != .ending
        }
    }

    @Test func helloWithinTenSeconds() async throws {
        try await withServer { server in
            let silent = try Connection(server, greets: false)
            #expect(silent.isThere(at: 9_999))
            #expect(!silent.isThere(at: 10_000))
            let greeted = try Connection(server)
            #expect(greeted.isThere(at: 10_000))
        }
    }

    @Test func pingKeepsAlive() async throws {
        try await withServer { server in
            let connection = try Connection(server)
            #expect(connection.isThere(at: 599_999))
            try connection.send(Ping())
            #expect(connection.isThere(at: 599_999 + 599_999))
            #expect(!connection.isThere(at: 599_999 + 600_000))
        }
    }

    @Test func aFrameWithinAMinute() async throws {
        try await withServer { server in
            let connection = try Connection(server)
            #expect(connection.isThere(at: 1_000))
            try connection.send(Ping(), bytes: 0..<5)
            #expect(connection.isThere(at: 60_999))
            try connection.send(Ping(), bytes: 5..<12)
            // The next one's time begins with its own first byte, whatever comes of it in between.
            #expect(connection.isThere(at: 61_000))
            try connection.send(Ping(), bytes: 0..<1)
            #expect(connection.isThere(at: 100_000))
            try connection.send(Ping(), bytes: 1..<11)
            #expect(connection.isThere(at: 120_999))
            #expect(!connection.isThere(at: 121_000))
        }
    }
}
