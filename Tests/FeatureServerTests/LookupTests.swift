import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

@Suite struct LookupTests {
    static let start = Instant(microseconds: 1_000_000_000_000)

    @Test func answersFromMemoryAndFromDiskAlike() async throws {
        try await withServer { server in
            for round in 0..<20 {
                server.clock.advance(by: 1_000_000)
                try server.commit(
                    customers: 0..<50,
                    amount: 0.1 * Double(round + 1),
                    at: server.clock.now,
                    firstOffset: Int64(round) * 50
                )
            }
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small")
            let asOf = server.clock.now.advanced(by: 1)
            let entities = (0..<60).map { [FeatureValue.int64(Int64($0))] }
            let warm = try await client.lookup(prepared, entities: entities, asOf: asOf, eventTimes: true)
            #expect(warm.rows[0][0].value == .int64(20))
            #expect(warm.rows[0][1].value == .float64(21.0))
            #expect(warm.rows[0][2].eventTime == server.clock.now)
            #expect(warm.rows[59][0].status == .notFound)
            #expect(warm.rows[59][0].value == .int64(0))
            try server.store.fold()
            server.store.evictAll()
            let cold = try await client.lookup(prepared, entities: entities, asOf: asOf, eventTimes: true)
            #expect(cold == warm)
            await client.close()
        }
    }

    @Test func theSamePointGivesTheSameBitsAfterLaterCommits() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<3, amount: 1.25, at: server.clock.now, firstOffset: 0)
            let client = try await server.connect()
            let prepared = try await client.prepare(references: ["purchases:amount_sum_1h", "purchases:count_1h"])
            server.clock.advance(by: 1_000_000)
            let first = try await client.lookup(prepared, entities: [[.int64(1)]])
            // A late event, at the same event time as the first.
            try server.commit(customers: 0..<3, amount: 5, at: Self.start, firstOffset: 3)
            let again = try await client.lookup(
                prepared,
                entities: [[.int64(1)]],
                asOf: first.asOf,
                knownAt: first.knownAt
            )
            #expect(again == first)
            let now = try await client.lookup(prepared, entities: [[.int64(1)]], asOf: first.asOf)
            #expect(now.rows[0][0].value == .float64(6.25))
            let rows = try await client.rows(prepared, keys: [[.int64(1)]], asOf: [first.asOf], knownAt: first.knownAt)
            #expect(rows.columns[0][0] == first.rows[0][0].value)
            await client.close()
        }
    }

    /// Each row is known at its own T, by either boundary rule, and never beyond the request's K.
    @Test func rowsAreKnownAtTheirOwnTime() async throws {
        try await withServer { server in
            var arrivals: [Instant] = []
            for offset in Int64(0)..<3 {
                try server.commit(customers: 0..<1, amount: Double(1 << offset), at: Self.start, firstOffset: offset)
                arrivals.append(server.store.newestCommit)
                server.clock.advance(by: 1_000_000)
            }
            let client = try await server.connect()
            let prepared = try await client.prepare(references: ["purchases:amount_sum_1h", "purchases:count_1h"])
            let times = arrivals.flatMap { [$0.advanced(by: -1), $0] } + [arrivals[2].advanced(by: 600_000_000)]
            for boundary in Boundary.allCases {
                for latest in [nil] + arrivals.map(Optional.some) {
                    let rows = try await client.rows(
                        prepared,
                        keys: times.map { _ in [.int64(0)] },
                        asOf: times,
                        knownAt: latest,
                        rowTime: true,
                        boundary: boundary,
                        eventTimes: true
                    )
                    #expect(rows.knownAt == latest ?? arrivals[2])
                    for (row, asOf) in times.enumerated() {
                        let wanted = try await client.lookup(
                            prepared,
                            entities: [[.int64(0)]],
                            asOf: asOf,
                            knownAt: min(asOf, latest ?? arrivals[2]),
                            boundary: boundary,
                            eventTimes: true
                        )
                        #expect(rows.columns.map { $0[row] } == wanted.rows[0].map(\.value))
                        #expect(rows.columns.map { $0.statuses[row].status } == wanted.rows[0].map(\.status))
                        let newest = wanted.rows[0].map { $0.eventTime?.microseconds ?? .min }
                        #expect(rows.columns.map { $0.eventTimes?[row] } == newest)
                    }
                }
            }
            await client.close()
        }
    }

    @Test func aPipelineOfLookupsIsAnsweredByID() async throws {
        try await withServer { server in
            try server.commit(customers: 0..<100, amount: 1, at: server.clock.now, firstOffset: 0)
            let connection = try RawConnection(port: server.port)
            try connection.send(Hello(clientName: "raw"), id: 0)
            #expect(try connection.readFrame().type == .welcome)
            try connection.send(PrepareRequest(.service("small")), id: 1)
            let prepared = try PreparedReply(body: try connection.readFrame().body)
            let count: UInt32 = 20_000
            var seen = Set<UInt32>()
            for first in stride(from: UInt32(0), to: count, by: 100) {
                for id in first..<(first + 100) {
                    var key: [UInt8] = []
                    EntityKey.append(Int64(id % 100), to: &key)
                    try connection.send(
                        LookupRequest(lookupID: prepared.lookupID, asOf: server.clock.now.advanced(by: 1), keys: [key]),
                        id: id + 10
                    )
                }
                for _ in 0..<100 {
                    let frame = try connection.readFrame()
                    #expect(frame.type == .values)
                    #expect(seen.insert(frame.requestID).inserted)
                }
            }
            #expect(seen.count == Int(count))
        }
    }

    @Test func definitionsThatChangeUnderAPreparedLookupAreNoticed() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let prepared = try await client.prepare(service: "small")
            _ = try await client.lookup(prepared, entities: [[.int64(1)]])
            var files = ServerUnderTest.definitions
            files.files[0].text = files.files[0].text.replacing(
                "time_window: [1h, lifetime]",
                with: "time_window: [1h, 2h, lifetime]"
            )
            _ = try DefinitionsService(store: server.store).apply(files)
            // The service is as it was: the lookup goes on.
            _ = try await client.lookup(prepared, entities: [[.int64(1)]])
            files.files[0].text = files.files[0].text.replacing(
                "\"purchases:count_lifetime\"",
                with: "\"purchases:count_2h\""
            )
            _ = try DefinitionsService(store: server.store).apply(files)
            await #expect { _ = try await client.lookup(prepared, entities: [[.int64(1)]]) } throws: { error in
                (error as? ClientError)?.code == .server(.definitionsChanged)
            }
            await client.close()
        }
    }

    @Test func namesTheNearestServiceAndFeature() async throws {
        try await withServer { server in
            let client = try await server.connect()
            await #expect { _ = try await client.prepare(service: "smal") } throws: { error in
                let error = error as? ClientError
                return error?.code == .server(.unknownService)
                    && error?.message.contains("did you mean 'small'") == true
            }
            await #expect { _ = try await client.prepare(references: ["purchases:count_1hh"]) } throws: { error in
                let error = error as? ClientError
                return error?.code == .server(.unknownFeature) && error?.message.contains("count_1h") == true
            }
            await client.close()
        }
    }
}
