import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// Whatever arrives, the server answers with a typed error or closes, and goes on serving others.
@Suite struct HostileBytesTests {
    @Test func theFirstMessageMustBeHello() async throws {
        try await withServer { server in
            let connection = try RawConnection(port: server.port)
            try connection.send(Ping(), id: 7)
            let bytes = try #require(connection.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.notGreeted])
        }
    }

    @Test func aSecondHelloCloses() async throws {
        try await withServer { server in
            let connection = try RawConnection.greeted(server)
            try connection.send(Hello(clientName: "raw"), id: 1)
            let bytes = try #require(connection.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.notGreeted])
        }
    }

    @Test func versionsMustMeet() async throws {
        try await withServer { server in
            let connection = try RawConnection(port: server.port)
            var hello = Hello(clientName: "future")
            hello.versionMin = 2
            hello.versionMax = 9
            try connection.send(hello)
            let bytes = try #require(connection.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.versionUnsupported])
        }
    }

    @Test func tokensAreChecked() async throws {
        try await withServer(tokens: "# comment\nsecret\n") { server in
            await #expect { _ = try await server.connect() } throws: {
                ($0 as? ClientError)?.code == .server(.unauthenticated)
            }
            await #expect { _ = try await server.connect(token: "Secret") } throws: {
                ($0 as? ClientError)?.code == .server(.unauthenticated)
            }
            let client = try await server.connect(token: "secret")
            try await client.ping()
            await client.close()
        }
    }

    @Test(arguments: [UInt32(0), 7, 4097, 0x7fff_ffff, 0xffff_ffff])
    func lengthLiesBeforeWelcomeAreRefused(size: UInt32) async throws {
        try await withServer { server in
            let connection = try RawConnection(port: server.port)
            var bytes = ByteBuffer()
            bytes.writeInteger(size, endianness: .little)
            bytes.writeBytes([1, 0, 0, 0, 0, 0, 0, 0])
            connection.send(bytes.readableBytesView)
            let reply = try #require(connection.readToEnd())
            let codes = try RawConnection.errorCodes(in: reply)
            #expect(codes == [size < 8 ? .malformedFrame : .frameTooLarge])
        }
    }

    @Test func badRequestsAreAnsweredAndTheConnectionGoesOn() async throws {
        try await withServer(limits: WireLimits(entitiesMax: 4)) { server in
            let connection = try RawConnection.greeted(server)
            try connection.send(PrepareRequest(.service("small")), id: 1)
            let lookup = try PreparedReply(body: try connection.readFrame().body).lookupID
            func code(_ message: LookupRequest) throws -> WireErrorCode {
                var buffer = ByteBuffer()
                try message.writeFrame(requestID: 5, frameSizeMax: 1 << 24, into: &buffer)
                connection.send(buffer.readableBytesView)
                let frame = try connection.readFrame()
                #expect(frame.requestID == 5)
                return try ErrorReply(body: frame.body).error.code
            }
            var key: [UInt8] = []
            EntityKey.append(1, to: &key)
            #expect(try code(LookupRequest(lookupID: 99, keys: [key])) == .unknownLookup)
            #expect(try code(LookupRequest(lookupID: lookup, keys: [[1, 2]])) == .badEntityKey)
            #expect(try code(LookupRequest(lookupID: lookup, keys: [key + key])) == .badEntityKey)
            #expect(try code(LookupRequest(lookupID: lookup, keys: Array(repeating: key, count: 5))) == .tooMany)
            try connection.send(Ping(), id: 6)
            #expect(try connection.readFrame().type == .pong)
        }
    }

    @Test func mutatedConversationsNeverStopTheServer() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<10, amount: 1, at: server.clock.now, firstOffset: 0)
            for seed in TestSeeds.list(300) {
                var random = SplitMix64(seed: seed)
                var conversation = ByteBuffer()
                try Hello(clientName: "raw").writeFrame(requestID: 0, frameSizeMax: 1 << 20, into: &conversation)
                let greeting = conversation.readableBytes
                try PrepareRequest(.service("small")).writeFrame(
                    requestID: 1,
                    frameSizeMax: 1 << 20,
                    into: &conversation
                )
                var key: [UInt8] = []
                EntityKey.append(3, to: &key)
                try LookupRequest(lookupID: 1, keys: [key, key]).writeFrame(
                    requestID: 2,
                    frameSizeMax: 1 << 20,
                    into: &conversation
                )
                try RowsRequest(lookupID: 1, asOf: [server.clock.now], keys: [key]).writeFrame(
                    requestID: 3,
                    frameSizeMax: 1 << 20,
                    into: &conversation
                )
                try AdminRequest(verb: "describe").writeFrame(requestID: 4, frameSizeMax: 1 << 20, into: &conversation)
                var bytes = Array(conversation.readableBytesView)
                let first = random.oneIn(3) ? 0 : greeting
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: first..<bytes.count, using: &random)] = UInt8.random(
                        in: 0...255,
                        using: &random
                    )
                }
                if random.oneIn(3) { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
                let connection = try RawConnection(port: server.port)
                connection.send(bytes)
                connection.endSending()
                // What comes back must be whole frames; which ones is the seed's affair.
                let reply = connection.readToEnd()
                #expect(reply != nil, "the server hung; \(TestSeeds.hint(seed))")
                var buffer = ByteBuffer(bytes: reply ?? [])
                var decoder = FrameDecoder(frameSizeMax: 1 << 24)
                while try decoder.next(from: &buffer) != nil {}
                #expect(buffer.readableBytes == 0, "a torn reply; \(TestSeeds.hint(seed))")
            }
            let client = try await server.connect()
            try await client.ping()
            await client.close()
        }
    }
}
