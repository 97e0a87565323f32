import FeatureModel
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

/// Calls against a fake server that answers with the golden frames.
@Suite(.timeLimit(.minutes(1))) struct ClientRequestTests {
    private static let time = Instant(microseconds: 1_700_000_000_123_456)
    private static let known = Instant(microseconds: 1_700_000_000_123_461)
    private static let entities: [[FeatureValue]] = [[.int64(42), .string("café")], [.int64(-1), .string("")]]

    /// Answers every request with the golden reply of its kind.
    private static func golden(_ frame: Frame, _ count: Int) throws -> FakeServer.Step {
        let name =
            switch frame.type {
            case .prepare: "prepared"
            case .lookup: try LookupRequest(body: frame.body).wantsEventTimes ? "values_event_times" : "values"
            case .rows: "columns"
            case .admin: "admin_reply"
            case .ping: "pong"
            default: "error"
            }
        return .reply([try FakeServer.golden(name, request: frame.requestID)])
    }

    private func withClient(
        _ script: @escaping @Sendable (Frame, Int) throws -> FakeServer.Step,
        options: ClientOptions = ClientOptions(),
        _ body: (StrandlineClient) async throws -> Void
    ) async throws {
        let server = try await FakeServer(script: script)
        let client = try await StrandlineClient.connect(port: server.port, token: "s3cret", options: options)
        try await body(client)
        await client.close()
        await server.stop()
    }

    @Test func everyCall() async throws {
        try await withClient(Self.golden) { client in
            #expect(client.serverName == "strandline/0.1" && client.limits == .standard)
            let prepared = try await client.prepare(service: "fraud@2")
            #expect(prepared.features.map(\.reference) == ["v:n", "v:sum", "v:city", "v:ok", "v:seen"])
            #expect(prepared.joinKeys.map(\.name) == ["customer_id", "merchant"])

            let result = try await client.lookup(
                prepared,
                entities: Self.entities,
                asOf: Self.time,
                knownAt: Self.known,
                eventTimes: true
            )
            #expect(result.asOf == Self.time && result.knownAt == Self.known && result.rows.count == 2)
            #expect(result[0, "v:city"]?.value == .string("Zürich"))
            #expect(result[0, "v:n"]?.eventTime == Instant(microseconds: Self.time.microseconds - 1))
            #expect(result[1, "v:n"] == FeatureCell(status: .notFound, value: .int64(0)))
            #expect(result[0, "v:other"] == nil)

            let times = [Self.time, Instant(microseconds: 0)]
            let columns = try await client.rows(prepared, keys: Self.entities, asOf: times, boundary: .inclusive)
            #expect(columns.knownAt == Self.known && columns.count == 2)
            #expect(columns.columns[1][0] == .float64(0.1) && columns.columns[1][1] == .null)

            #expect(try await client.admin("status") == #"{"ok": true}"#)
            try await client.ping()
        }
    }

    @Test func listsAndMaps() async throws {
        let script: @Sendable (Frame, Int) throws -> FakeServer.Step = { frame, _ in
            let name =
                switch frame.type {
                case .prepare: "prepared_nested"
                case .lookup: "values_nested"
                default: "columns_nested"
                }
            return .reply([try FakeServer.golden(name, request: frame.requestID)])
        }
        try await withClient(script) { client in
            let prepared = try await client.prepare(service: "fraud@2")
            #expect(
                prepared.features.map(\.type.name) == [
                    "list<int64>", "list<string>", "map<string, int64>", "map<int64, float64>",
                ]
            )
            let result = try await client.lookup(prepared, entities: Self.entities)
            #expect(result[0, "v:last_n"]?.value == .list([.int64(-7), .int64(0), .null]))
            #expect(result[1, "v:cities"] == FeatureCell(status: .present, value: .list([])))
            let counts: [FeatureValue.Entry] = [
                .init(key: .string("Bern"), value: .int64(3)), .init(key: .string("Zürich"), value: .int64(1)),
            ]
            #expect(result[0, "v:by_city"]?.value == .map(counts))

            let times = [Self.time, Self.time]
            let columns = try await client.rows(prepared, keys: Self.entities, asOf: times)
            #expect(columns.columns[2][0] == .map(counts) && columns.columns[2][1] == .map([]))
            #expect(columns.columns[0][1] == .null)
        }
    }

    /// A reply whose types are not those of PREPARED.
    @Test func bytesOfAnotherTypeAreNoReply() async throws {
        try await withClient({ frame, _ in
            let name = frame.type == .prepare ? "prepared_nested" : "values"
            return .reply([try FakeServer.golden(name, request: frame.requestID)])
        }) { client in
            let prepared = try await client.prepare(service: "fraud@2")
            let found = await error { () async throws(ClientError) in
                _ = try await client.lookup(prepared, entities: Self.entities)
            }
            #expect(found?.code == .protocolViolation)
        }
    }

    /// What the client sends is the golden request, apart from its id.
    @Test func requestsAreTheGoldenFrames() async throws {
        let script: @Sendable (Frame, Int) throws -> FakeServer.Step = { frame, count in
            let name = ["prepare_service", "lookup", "rows", "admin"][count]
            guard try GoldenFrame.load(name).getSlice(at: 12, length: frame.body.readableBytes) == frame.body else {
                return .hangUp
            }
            return try Self.golden(frame, count)
        }
        try await withClient(script) { client in
            let prepared = try await client.prepare(service: "fraud@2")
            _ = try await client.lookup(
                prepared,
                entities: Self.entities,
                asOf: Self.time,
                knownAt: Self.known,
                boundary: .inclusive,
                eventTimes: true
            )
            _ = try await client.rows(
                prepared,
                keys: Self.entities,
                asOf: [Self.time, Instant(microseconds: 0)],
                knownAt: Self.known,
                boundary: .inclusive
            )
            _ = try await client.admin("dead_letters", #"{"after": 0, "limit": 100}"#)
        }
    }

    /// Replies in reverse order still find their requests.
    @Test func repliesMayOvertake() async throws {
        let held = Held()
        let script: @Sendable (Frame, Int) throws -> FakeServer.Step = { frame, _ in
            let verb = try AdminRequest(body: frame.body).verb
            let reply = try FakeServer.frame(AdminReply(body: verb), request: frame.requestID)
            let all = held.append(reply)
            return all.count == 50 ? .reply(all.reversed()) : .silence
        }
        try await withClient(script) { client in
            try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for number in 0..<50 { group.addTask { (number, try await client.admin("\(number)")) } }
                for try await (number, reply) in group { #expect(reply == "\(number)") }
            }
        }
    }

    @Test func serverErrorsKeepTheirCode() async throws {
        let script: @Sendable (Frame, Int) throws -> FakeServer.Step = { frame, count in
            .reply([try FakeServer.golden(count == 0 ? "error" : "error_overloaded", request: frame.requestID)])
        }
        try await withClient(script) { client in
            let first = await error { () async throws(ClientError) in _ = try await client.prepare(service: "fräud") }
            #expect(first?.code == .server(.unknownService) && first?.isRetriable == false)
            #expect(first?.message.contains("did you mean 'fraud'?") == true)
            let second = await error { () async throws(ClientError) in try await client.ping() }
            #expect(second?.code.wireCode == .overloaded && second?.isRetriable == true)
        }
    }

    @Test func wrongArgumentsAreNotSent() async throws {
        try await withClient(Self.golden) { client in
            let prepared = try await client.prepare(references: ["v:n"])
            for entity: [FeatureValue] in [[.int64(1)], [.string("a"), .string("b")], [.int64(1), .null]] {
                let found = await error { () async throws(ClientError) in
                    _ = try await client.lookup(prepared, entities: [entity])
                }
                #expect(found?.code == .badArgument)
            }
            let times = await error { () async throws(ClientError) in
                _ = try await client.rows(prepared, keys: Self.entities, asOf: [Self.time])
            }
            #expect(times?.code == .badArgument)
            try await withClient(Self.golden) { other in
                let found = await error { () async throws(ClientError) in
                    _ = try await other.lookup(prepared, entities: Self.entities)
                }
                #expect(found?.code == .badArgument)
            }
        }
    }

    private func error(_ body: () async throws(ClientError) -> Void) async -> ClientError? {
        do throws(ClientError) {
            try await body()
            return nil
        } catch {
            return error
        }
    }
}
