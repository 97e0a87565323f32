import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// Derived features through the server: from memory, from disk and as training rows the same bits; requests that do not
/// bring along what they must.
@Suite struct DerivedLookupTests {
    static let definitions: RepositoryFiles = {
        var files = ServerUnderTest.definitions
        files.files[0].text += """

            on_demand_feature_views:
              - name: risk
                sources: [purchases]
                request: {amount: float64, note: string}
                features:
                  share: request.amount / nullif(amount_sum_1h, 0)
                  unusual: request.amount > 3 * (amount_sum_1h / nullif(count_1h, 0))
                  noted: request.note || ' ' || cast(count_lifetime as string)
                  plain: count_1h * 2
            """
        files.files[0].text = files.files[0].text.replacing(
            "feature_services:\n",
            with: "feature_services:\n  - {name: risk, features: [\"risk:*\", \"purchases:count_1h\"]}\n"
        )
        return files
    }()

    private func withDerived(_ body: (ServerUnderTest) async throws -> Void) async throws {
        try await withServer { server in
            _ = try DefinitionsService(store: server.store).apply(Self.definitions)
            for round in 0..<5 {
                server.clock.advance(by: 1_000_000)
                try server.commit(
                    customers: 0..<20,
                    amount: 0.1 * Double(round + 1),
                    at: server.clock.now,
                    firstOffset: Int64(round) * 20
                )
            }
            try await body(server)
        }
    }

    private static let entities = (0..<25).map { [FeatureValue.int64(Int64($0))] }
    private static let request = (0..<25).map { row -> [FeatureValue] in
        let amount = FeatureValue.float64(Double(row) / 10)
        let note = FeatureValue.string("note \(row)")
        return [row % 5 == 4 ? FeatureValue.null : amount, row % 7 == 3 ? FeatureValue.null : note]
    }

    @Test func lookupsAndRowsHaveTheSameBits() async throws {
        try await withDerived { server in
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "risk")
            #expect(prepared.request == [Field(name: "amount", type: .float64), Field(name: "note", type: .string)])
            let asOf = server.clock.now.advanced(by: 1)
            let warm = try await client.lookup(
                prepared,
                entities: Self.entities,
                request: Self.request,
                asOf: asOf,
                eventTimes: true
            )
            let sum = 1.5
            #expect(warm.rows[3][0].value == .float64(0.3 / sum))
            #expect(warm.rows[3][0].status == .present)
            #expect(warm.rows[3][0].eventTime == server.clock.now)
            #expect(warm.rows[3][1].value == .bool(false) && warm.rows[12][1].value == .bool(true))
            #expect(warm.rows[4][2].value == .string("note 4 5") && warm.rows[3][2].status == .nullValue)
            #expect(warm.rows[4][0].status == .nullValue && warm.rows[4][3].value == .int64(10))
            #expect(warm.rows[24][0].status == .notFound && warm.rows[24][0].value == .null)
            #expect(warm.rows[24][2].value == .null && warm.rows[23][2].value == .string("note 23 0"))
            #expect(warm.rows[24][3].value == .int64(0) && warm.rows[24][3].status == .notFound)
            let rows = try await client.rows(
                prepared,
                keys: Self.entities,
                asOf: Self.entities.map { _ in asOf },
                request: Self.request
            )
            for (row, cells) in warm.rows.enumerated() {
                for (feature, cell) in cells.enumerated() {
                    #expect(rows.columns[feature][row] == cell.value)
                    #expect(rows.columns[feature].statuses[row].status == cell.status)
                }
            }
            try server.store.fold()
            server.store.evictAll()
            let cold = try await client.lookup(
                prepared,
                entities: Self.entities,
                request: Self.request,
                asOf: asOf,
                eventTimes: true
            )
            #expect(cold == warm)
            // What needs no request value asks for none.
            let plain = try await client.prepare(references: ["risk:plain"])
            #expect(plain.request.isEmpty)
            #expect(try await client.lookup(plain, entities: [[.int64(1)]], asOf: asOf).rows[0][0].value == .int64(10))
            await client.close()
        }
    }

    @Test func theClientChecksRequestValues() async throws {
        try await withDerived { server in
            let client = try await server.connect()
            let prepared = try await client.prepare(references: ["risk:share"])
            for (rows, part) in [
                ([[FeatureValue]](), "amount: float64"), ([[], []], "2 rows of request values"),
                ([[]], "row 0 does not have"),
                ([[.int64(1)]], "'amount' of row 0 is not float64"), ([[.float64(.nan)]], "not a finite number"),
            ] {
                await #expect {
                    _ = try await client.lookup(prepared, entities: [[.int64(1)]], request: rows)
                } throws: { error in
                    let error = error as? ClientError
                    return error?.code == .badArgument && error?.message.contains(part) == true
                }
            }
            await client.close()
        }
    }

    @Test func badRequestValuesAreAnsweredAndTheConnectionGoesOn() async throws {
        try await withDerived { server in
            let connection = try RawConnection(port: server.port)
            try connection.send(Hello(clientName: "raw"), id: 0)
            #expect(try connection.readFrame().type == .welcome)
            try connection.send(PrepareRequest(.references(["risk:share"])), id: 1)
            let id = try PreparedReply(body: try connection.readFrame().body).lookupID
            let key = EntityKey.encode([.int64(1)]) ?? []
            func answer(_ message: some WireMessage) throws -> WireError? {
                try connection.send(message, id: 5)
                let frame = try connection.readFrame()
                return frame.type == .error ? try ErrorReply(body: frame.body).error : nil
            }
            for rows in [[], [[FeatureValue.int64(1)]], [[.string("1")]], [[.float64(.infinity)]]] {
                let lookup = try answer(LookupRequest(lookupID: id, requestValues: rows, keys: [key]))
                let row = try answer(RowsRequest(lookupID: id, asOf: [.distantPast], requestValues: rows, keys: [key]))
                #expect(lookup?.code == .badRequest && lookup?.message.contains("'amount'") == true, "\(rows)")
                #expect(row?.code == .badRequest && row?.message.contains("'amount'") == true, "\(rows)")
            }
        }
        try await withDerived { server in
            let connection = try RawConnection(port: server.port)
            try connection.send(Hello(clientName: "raw"), id: 0)
            _ = try connection.readFrame()
            try connection.send(PrepareRequest(.service("small")), id: 1)
            let id = try PreparedReply(body: try connection.readFrame().body).lookupID
            let key = EntityKey.encode([.int64(1)]) ?? []
            try connection.send(LookupRequest(lookupID: id, requestValues: [[.null]], keys: [key]), id: 2)
            #expect(try ErrorReply(body: try connection.readFrame().body).error.code == .badRequest)
            try connection.send(Ping(), id: 6)
            #expect(try connection.readFrame().type == .pong)
        }
    }

    @Test func mutatedRequestValuesNeverStopTheServer() async throws {
        try await withDerived { server in
            for seed in TestSeeds.list(200) {
                var random = SplitMix64(seed: seed)
                var conversation = ByteBuffer()
                try Hello(clientName: "raw").writeFrame(requestID: 0, into: &conversation)
                try PrepareRequest(.service("risk")).writeFrame(requestID: 1, into: &conversation)
                let first = conversation.readableBytes
                let key = EntityKey.encode([.int64(1)]) ?? []
                let rows: [[FeatureValue]] = [[.float64(1.5), .string("a note")], [.null, .string("")]]
                try LookupRequest(lookupID: 1, requestValues: rows, keys: [key, key])
                    .writeFrame(requestID: 2, into: &conversation)
                let times = [server.clock.now, server.clock.now]
                try RowsRequest(lookupID: 1, asOf: times, requestValues: rows, keys: [key, key])
                    .writeFrame(requestID: 3, into: &conversation)
                var bytes = Array(conversation.readableBytesView)
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: first..<bytes.count, using: &random)
                    bytes[place] = random.oneIn(2) ? 0xff : UInt8.random(in: 0...7, using: &random)
                }
                let connection = try RawConnection(port: server.port)
                connection.send(bytes)
                connection.endSending()
                let reply = connection.readToEnd()
                #expect(reply != nil, "the server hung; \(TestSeeds.hint(seed))")
                var buffer = ByteBuffer(bytes: reply ?? [])
                var decoder = FrameDecoder(frameSizeMax: 1 << 24)
                while try decoder.next(from: &buffer) != nil {}
                #expect(buffer.readableBytes == 0, "a torn reply; \(TestSeeds.hint(seed))")
            }
        }
    }

    @Test func definitionsThatChangeTheRequestAreNoticed() async throws {
        try await withDerived { server in
            let client = try await server.connect()
            let prepared = try await client.prepare(references: ["risk:share"])
            var files = Self.definitions
            files.files[0].text = files.files[0].text.replacing("amount: float64, note", with: "amount: int64, note")
            #expect(files.files[0].text != Self.definitions.files[0].text)
            _ = try DefinitionsService(store: server.store).apply(files)
            await #expect {
                _ = try await client.lookup(prepared, entities: [[.int64(1)]], request: [[.float64(1)]])
            } throws: { ($0 as? ClientError)?.code == .server(.definitionsChanged) }
            await client.close()
        }
    }
}
