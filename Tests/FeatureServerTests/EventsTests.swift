import FeatureHistory
import FeatureModel
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// EVENTS over a connection: what comes of rows, and what is refused.
@Suite struct EventsTests {
    private func request(_ server: ServerUnderTest, customers: Range<Int64>, isDryRun: Bool = false) -> EventsRequest {
        let time = server.clock.now.microseconds - 1_000_000
        return EventsRequest(
            source: "purchases",
            definitionHash: server.store.catalog.definitionHash,
            isDryRun: isDryRun,
            times: customers.map { time + $0 },
            offsets: customers.map { _ in 7 },
            columns: [
                .init(
                    field: Field(name: "customer_id", type: .int64),
                    slots: customers.map { UInt64(bitPattern: $0) }
                ),
                .init(
                    field: Field(name: "amount", type: .float64),
                    slots: customers.map { Double($0).bitPattern }
                ),
            ]
        )
    }

    @Test func rowsBecomeEvents() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let tried = try await client.events(request(server, customers: 0..<100, isDryRun: true))
            #expect(tried.new == 100 && !tried.isCommitted)
            let first = try await client.events(request(server, customers: 0..<100))
            #expect(first.new == 100 && first.isCommitted && first.hours.map(\.accepted).reduce(0, +) == 100)
            let again = try await client.events(request(server, customers: 50..<150))
            #expect(again.new == 50 && again.present == 50)
            let small = try await client.prepare(service: "small")
            let result = try await client.lookup(small, entities: [[.int64(120)], [.int64(150)]])
            #expect(result.rows[0].map(\.value) == [.int64(1), .float64(120), .int64(1)])
            #expect(result.rows[1][0].value == .int64(0))
            await client.close()
        }
    }

    @Test func whatIsRefused() async throws {
        try await withServer { server in
            let client = try await server.connect()
            func code(_ change: (inout EventsRequest) -> Void) async -> ClientError.Code? {
                var request = self.request(server, customers: 0..<3)
                change(&request)
                do throws(ClientError) {
                    _ = try await client.events(request)
                    return nil
                } catch { return error.code }
            }
            #expect(await code { $0.source = "purchase" } == .server(.badRequest))
            #expect(await code { $0.definitionHash = "" } == .server(.definitionsChanged))
            #expect(await code { $0.offsets[1] = -1 } == .server(.badRequest))
            #expect(await code { $0.times[1] = $0.times[2] } == .server(.badRequest))
            // A column of another type is no column of the source: its field is null.
            var request = self.request(server, customers: 0..<3)
            request.columns[0].field.type = .float64
            let reply = try await client.events(request)
            #expect(reply.new == 0 && reply.reasons == [.init(reason: "missing_key", rows: 3)])
            #expect(reply.named.map(\.row) == [0, 1, 2])
            await client.close()
        }
    }

    @Test func nobodyEntersWithoutAToken() async throws {
        try await withServer(tokens: "secret") { server in
            let connection = try RawConnection(port: server.port)
            try connection.send(request(server, customers: 0..<1), id: 1)
            let bytes = try #require(connection.readToEnd())
            #expect(try RawConnection.errorCodes(in: bytes) == [.notGreeted])
            #expect(server.store.newestCommit == Instant(microseconds: 0))
        }
    }

    @Test(arguments: [63, 64, 65]) func rowsBeyondTheLimit(count: Int64) async throws {
        try await withServer(limits: WireLimits(rowsMax: 64)) { server in
            let client = try await server.connect()
            let request = request(server, customers: 0..<count)
            do throws(ClientError) {
                let reply = try await client.events(request)
                #expect(reply.new == UInt32(count) && count <= 64)
            } catch { #expect(error.code == .server(.tooMany) && count == 65) }
            await client.close()
        }
    }
}
