import FeatureHistory
import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// What the server bounds: waiting requests, memory, connections; and deadlines of requests.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct OverloadTests {
    private static func request(_ server: ServerUnderTest, _ connection: RawConnection) throws -> LookupRequest {
        try connection.send(PrepareRequest(.service("small")), id: 1)
        let prepared = try PreparedReply(body: try connection.readFrame().body)
        var key: [UInt8] = []
        EntityKey.append(3, to: &key)
        return LookupRequest(lookupID: prepared.lookupID, keys: [key])
    }

    /// Requests for the pool, at the limit of one connection less one, at it and beyond it: all are answered, once, since
    /// what has no room is not read.
    @Test(arguments: [7, 8, 9, 200]) func waitingRequestsOfAConnection(count: Int) async throws {
        var limits = ServerLimits.quick
        limits.waitingOfConnectionMax = 8
        try await withServer(serverLimits: limits) { server in
            let connection = try RawConnection.greeted(server)
            for id in 0..<UInt32(count) { try connection.send(AdminRequest(verb: "describe"), id: id + 1) }
            var answered: Set<UInt32> = []
            for _ in 0..<count {
                let frame = try connection.readFrame()
                #expect(frame.type == .adminReply)
                answered.insert(frame.requestID)
            }
            #expect(answered.count == count)
            #expect(server.load.waitingCount == 0 && server.load.byteCount == 0)
        }
    }

    /// A server whose pool stands still has room for so many requests and answers every further one with OVERLOADED.
    @Test(arguments: [-1, 0, 1]) func waitingRequestsOfTheServer(more: Int) async throws {
        var limits = ServerLimits.quick
        limits.waitingMax = 20
        try await withServer(serverLimits: limits) { server in
            try await server.withBusyPool {
                let connection = try RawConnection.greeted(server)
                let count = 20 + more
                for id in 0..<UInt32(count) { try connection.send(AdminRequest(verb: "describe"), id: id + 1) }
                try connection.send(Ping(), id: 99)
                var refused: [WireErrorCode] = []
                while case let frame = try connection.readFrame(), frame.type != .pong {
                    let reply = try ErrorReply(body: frame.body)
                    #expect(reply.isRetriable)
                    refused.append(reply.error.code)
                }
                #expect(refused == Array(repeating: .overloaded, count: max(0, more)))
                #expect(server.load.waitingCount == min(20, count))
            }
        }
    }

    /// Bytes of waiting requests are bounded too, those of the frame that is being received with them.
    @Test(arguments: [(2, 0), (3, 1)]) func memoryOfWaitingRequests(count: Int, refused: Int) async throws {
        var limits = ServerLimits.quick
        limits.byteCountMax = 200_000
        try await withServer(serverLimits: limits) { server in
            try await server.withBusyPool {
                let connection = try RawConnection.greeted(server)
                let text = String(repeating: "x", count: 60_000)
                for id in 0..<UInt32(count) { try connection.send(AdminRequest(verb: "plan", body: text), id: id + 1) }
                try connection.send(Ping(), id: 99)
                var codes: [WireErrorCode] = []
                while case let frame = try connection.readFrame(), frame.type != .pong {
                    codes.append(try ErrorReply(body: frame.body).error.code)
                }
                #expect(codes == Array(repeating: .overloaded, count: refused))
            }
        }
    }

    /// Work that waited longer than its answer is of use is not done.
    @Test func expiredWorkIsDropped() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<10, amount: 1, at: server.clock.now, firstOffset: 0)
            try server.store.fold()
            server.store.evictAll()
            let connection = try RawConnection.greeted(server)
            var request = try Self.request(server, connection)
            try await server.withBusyPool {
                // Cold, so it waits for the pool; a millisecond is over by the time the pool is free.
                request.deadline = 1000
                try connection.send(request, id: 5)
                try connection.send(Ping(), id: 6)
                #expect(try connection.readFrame().type == .pong)
                try await Task.sleep(for: .milliseconds(50))
            }
            let frame = try connection.readFrame()
            #expect(frame.requestID == 5)
            #expect(try ErrorReply(body: frame.body) == ErrorReply(.deadlineExceeded()))
            request.deadline = .max
            try connection.send(request, id: 7)
            #expect(try connection.readFrame().type == .values)
            // Now it is in memory, and a deadline that is met changes nothing.
            try connection.send(request, id: 8)
            #expect(try connection.readFrame().type == .values)
        }
    }

    @Test func theClientTellsItsDeadline() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small")
            let result = try await client.lookup(prepared, entities: [[.int64(1)]], within: .seconds(5))
            #expect(result.rows.count == 1)
            let rows = try await client.rows(prepared, keys: [[.int64(1)]], asOf: [result.asOf], within: .seconds(5))
            #expect(rows.count == 1)
            await client.close()
        }
    }

    /// A prepared lookup holds memory for as long as its connection lives: 256 of 1,000 features would be 75 MB.
    @Test func preparedLookupsCount() async throws {
        var limits = ServerLimits.quick
        limits.byteCountMax = 200_000
        try await withServer(serverLimits: limits) { server in
            let client = try await server.connect()
            let references = Array(repeating: "purchases:count_1h", count: 300)
            _ = try await client.prepare(references: references)
            _ = try await client.prepare(references: references)
            #expect(server.load.byteCount == (600 - 64) * 300)
            await #expect { _ = try await client.prepare(references: references) } throws: {
                ($0 as? ClientError)?.code == .server(.overloaded)
            }
            // What is there goes on, and another connection's few features are always taken.
            let other = try await server.connect()
            _ = try await other.prepare(service: "small")
            await client.close()
            await other.close()
            for _ in 0..<1000 where server.load.byteCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(server.load.byteCount == 0)
        }
    }

    @Test(arguments: [2, 3, 4]) func connectionsAreCounted(count: Int) async throws {
        var limits = ServerLimits.quick
        limits.connectionsMax = 3
        try await withServer(serverLimits: limits) { server in
            var admitted: [StrandlineClient] = []
            var refusals: [ClientError.Code] = []
            for _ in 0..<count {
                do throws(ClientError) { admitted.append(try await StrandlineClient.connect(port: server.port)) } catch
                {
                    #expect(error.isRetriable)
                    refusals.append(error.code)
                }
            }
            #expect(admitted.count == min(3, count))
            #expect(refusals == Array(repeating: .server(.overloaded), count: max(0, count - 3)))
            for client in admitted {
                try await client.ping()
                await client.close()
            }
            // A place is free again as soon as the server has seen the end; a few tries are enough.
            var isIn = false
            for _ in 0..<500 where !isIn {
                if let client = try? await server.connect() {
                    isIn = true
                    await client.close()
                } else {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(isIn)
        }
    }

    /// While others hold the memory for replies, short ones are still given, long ones are refused.
    @Test func shortRepliesGoOnWithoutMemory() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<4000, amount: 1, at: server.clock.now, firstOffset: 0)
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small")
            let asOf = server.clock.now.advanced(by: 1)
            let many = (0..<Int64(4000)).map { [FeatureValue.int64($0)] }
            server.load.hold(server.load.limits.byteCountMax + 1)
            let short = try await client.lookup(prepared, entities: [[.int64(1)]], asOf: asOf)
            #expect(short.rows[0][0].value == .int64(1))
            await #expect { _ = try await client.lookup(prepared, entities: many, asOf: asOf) } throws: {
                ($0 as? ClientError)?.code == .server(.overloaded)
            }
            await #expect { _ = try await client.admin("describe") } throws: {
                ($0 as? ClientError)?.code == .server(.overloaded)
            }
            server.load.hold(-server.load.limits.byteCountMax - 1)
            #expect(try await client.lookup(prepared, entities: many, asOf: asOf).rows.count == 4000)
            await client.close()
        }
    }
}
