import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// All bad clients at once: good ones are answered all the while, and what the server holds stays within the budget.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct BadCompanyTests {
    private static let byteCountMax = 24 << 20

    /// Asks for megabytes and reads nothing.
    private static func slowReader(_ server: ServerUnderTest) throws -> RawConnection {
        let connection = try RawConnection.greeted(server)
        let references = Array(repeating: "purchases:count_1h", count: 1000)
        try connection.send(PrepareRequest(.references(references)), id: 1)
        // Once memory is short this is refused too.
        guard case let reply = try connection.readFrame(), reply.type == .prepared else { return connection }
        let prepared = try PreparedReply(body: reply.body)
        var key: [UInt8] = []
        EntityKey.append(0, to: &key)
        let request = LookupRequest(lookupID: prepared.lookupID, keys: Array(repeating: key, count: 1000))
        for id in 0..<UInt32(20) { try connection.send(request, id: id + 10) }
        return connection
    }

    /// Announces a frame of a megabyte and goes away without a word, or sends it a byte at a time.
    private static func slowWriter(_ server: ServerUnderTest, byteCount: Int) throws -> RawConnection {
        let connection = try RawConnection.greeted(server)
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(UInt32(1 << 20), UInt32(MessageType.admin.rawValue), UInt32(5), endianness: .little)
        bytes.writeRepeatingByte(0x20, count: byteCount)
        connection.send(bytes)
        return connection
    }

    @Test func goodClientsAreAnswered() async throws {
        var limits = ServerLimits.quick
        limits.byteCountMax = Self.byteCountMax
        limits.stallTimeout = .seconds(2)
        limits.frameTimeout = .seconds(2)
        try await withServer(serverLimits: limits) { server in
            try server.commit(customers: 0..<100, amount: 1, at: server.clock.now, firstOffset: 0)
            let asOf = server.clock.now.advanced(by: 1)
            var most = 0
            var bad: [RawConnection] = []
            let good = try await server.connect()
            let prepared = try await good.prepare(service: "small")
            for round in 0..<40 {
                bad.append(try Self.slowReader(server))
                bad.append(try Self.slowWriter(server, byteCount: round * 20_000))
                // A length that lies, noise, and half a frame from a peer that says no more.
                let lie = try RawConnection.greeted(server)
                lie.send([0xff, 0xff, 0xff, 0x7f, 0x12, 0, 0, 0, 1, 0, 0, 0])
                let noise = try RawConnection(port: server.port)
                noise.send((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ round) })
                let half = try RawConnection.greeted(server)
                half.send([60, 0, 0])
                half.endSending()
                bad += [lie, noise, half]
                for writer in bad { writer.send([0x20]) }
                for customer in 0..<Int64(20) {
                    let result = try await good.lookup(prepared, entities: [[.int64(customer)]], asOf: asOf)
                    #expect(result.rows[0][0].value == .int64(1))
                }
                most = max(most, server.load.byteCount)
            }
            // A reply of 9 MB may be under way on each of the pool's two threads when the budget is used up, and its buffer
            // doubles as it grows.
            #expect(most <= Self.byteCountMax + (40 << 20))
            await good.close()
        }
    }
}
