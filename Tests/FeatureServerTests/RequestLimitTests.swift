import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// The limits of one connection at the limit less one, at it and one beyond it, through a whole server. (Counts and lengths that
/// the codecs check alone: WireProtocolTests.)
@Suite(.timeLimit(.minutes(1)))
struct RequestLimitTests {
    private static func codes(_ server: ServerUnderTest, _ frames: ByteBuffer) throws -> [WireErrorCode] {
        let connection = try RawConnection.greeted(server)
        connection.send(frames)
        try connection.send(Ping(), id: 77)
        var codes: [WireErrorCode] = []
        while let frame = try? connection.readFrame(), frame.type != .pong {
            codes.append(try ErrorReply(body: frame.body).error.code)
        }
        return codes
    }

    /// A frame of so many bytes by its size field, with a body that is no message: only frames within the limit get so far.
    private static func frame(size: Int) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(UInt32(size), UInt32(MessageType.prepare.rawValue), UInt32(5), endianness: .little)
        bytes.writeRepeatingByte(9, count: size - 8)
        return bytes
    }

    @Test(arguments: [(9_999, WireErrorCode.badRequest), (10_000, .badRequest), (10_001, .frameTooLarge)])
    func frameSize(size: Int, code: WireErrorCode) async throws {
        try await withServer(limits: WireLimits(frameSizeMax: 10_000)) { server in
            let codes = try Self.codes(server, Self.frame(size: size))
            #expect(codes == [code])
        }
    }

    @Test(arguments: [4_095, 4_096, 4_097])
    func frameSizeBeforeWelcome(size: Int) async throws {
        try await withServer { server in
            var hello = ByteBuffer()
            // The name fills the frame: magic, versions, auth, token's length, name's length.
            let name = String(repeating: "n", count: size - 8 - 13)
            try Hello(clientName: name).writeFrame(requestID: 1, into: &hello)
            #expect(hello.readableBytes == size + 4)
            let connection = try RawConnection(port: server.port)
            connection.send(hello)
            let reply = try connection.readFrame()
            #expect(reply.type == (size <= 4096 ? .welcome : .error))
            if size > 4096 { #expect(try ErrorReply(body: reply.body).error.code == .frameTooLarge) }
        }
    }

    /// With checksums the limit counts them, for what the client sends and for what it gets.
    @Test func frameSizeWithChecksums() async throws {
        try await withServer(limits: WireLimits(frameSizeMax: 4096)) { server in
            for (size, code) in [(4_091, WireErrorCode.badRequest), (4_092, .badRequest), (4_093, .frameTooLarge)] {
                let connection = try RawConnection(port: server.port)
                try connection.send(Hello(clientName: "raw", options: .checksums), id: 1)
                #expect(try connection.readFrame().type == .welcome)
                connection.send(FrameChecksum.seal(Self.frame(size: size)))
                connection.endSending()
                var reply = ByteBuffer(bytes: try #require(connection.readToEnd()))
                var decoder = FrameDecoder()
                decoder.checksums = true
                let frame = try #require(try decoder.next(from: &reply))
                #expect(try ErrorReply(body: frame.body).error.code == code)
            }
            try server.commit(customers: 0..<200, amount: 1, at: server.clock.now, firstOffset: 0)
            let client = try await StrandlineClient.connect(port: server.port, options: ClientOptions(checksums: true))
            let prepared = try await client.prepare(service: "small")
            // 31 bytes of header, 27 a row, 4 of checksum.
            for (count, fits) in [(149, true), (150, true), (151, false)] {
                let entities = (0..<Int64(count)).map { [FeatureValue.int64($0)] }
                do throws(ClientError) {
                    _ = try await client.lookup(
                        prepared,
                        entities: entities,
                        asOf: server.clock.now.advanced(by: 1)
                    )
                    #expect(fits, "\(count)")
                } catch {
                    #expect(!fits && error.code == .server(.tooMany), "\(count)")
                }
            }
            await client.close()
        }
    }

    @Test func preparedLookups() async throws {
        try await withServer { server in
            let connection = try RawConnection.greeted(server)
            for number in 1...257 {
                try connection.send(PrepareRequest(.service("small")), id: UInt32(number))
                let reply = try connection.readFrame()
                #expect(reply.type == (number <= 256 ? .prepared : .error))
                if number == 257 { #expect(try ErrorReply(body: reply.body).error.code == .tooMany) }
            }
            // Those that are there still work.
            var key: [UInt8] = []
            EntityKey.append(1, to: &key)
            for id in [UInt32(1), 256] {
                try connection.send(LookupRequest(lookupID: id, keys: [key]), id: 900 + id)
                #expect(try connection.readFrame().type == .values)
            }
        }
    }

    @Test func entitiesRowsAndFeatures() async throws {
        try await withServer(limits: WireLimits(entitiesMax: 5, featuresMax: 3, rowsMax: 4)) { server in
            let connection = try RawConnection.greeted(server)
            var key: [UInt8] = []
            EntityKey.append(1, to: &key)
            func type(_ message: some WireMessage) throws -> MessageType {
                try connection.send(message, id: 9)
                let reply = try connection.readFrame()
                if reply.type == .error { #expect(try ErrorReply(body: reply.body).error.code == .tooMany) }
                return reply.type
            }
            for count in 2...4 {
                let references = Array(repeating: "purchases:count_1h", count: count)
                #expect(try type(PrepareRequest(.references(references))) == (count <= 3 ? .prepared : .error))
            }
            for count in 4...6 {
                let keys = Array(repeating: key, count: count)
                #expect(try type(LookupRequest(lookupID: 1, keys: keys)) == (count <= 5 ? .values : .error))
            }
            for count in 3...5 {
                let keys = Array(repeating: key, count: count)
                let times = Array(repeating: server.clock.now, count: count)
                let expected = count <= 4 ? MessageType.columns : .error
                #expect(try type(RowsRequest(lookupID: 1, asOf: times, keys: keys)) == expected)
            }
        }
    }
}
