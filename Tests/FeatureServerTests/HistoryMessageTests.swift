import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureTesting
import StrandlineClient
import Testing
import Windowing
import WireProtocol

@testable import FeatureServer

/// Histories over the wire: values keep their bits in JSON, and what is asked for wrongly is named.
@Suite struct HistoryMessageTests {
    @Test func valuesKeepTheirBits() throws {
        var random = SplitMix64(seed: 5)
        let columns: [(ValueType, [FeatureValue])] = [
            (.int64, [.int64(.min), .int64(.max), .int64(9_007_199_254_740_993), .null]),
            (
                .float64,
                [.float64(-0.0), .float64(5), .null]
                    + (0..<500).map { _ in
                        .float64(SeededStream.nastyDouble(using: &random))
                    }
            ),
            (
                .string,
                [
                    .string(""), .null, .string("\u{0}\"\\\u{7f}\n"), .string("U\u{308}"), .string("\u{dc}"),
                    .string("🏖"),
                ]
            ),
            (.bool, [.bool(true), .bool(false), .null]),
            (.timestamp, [.timestamp(Instant(microseconds: .min)), .timestamp(Instant(microseconds: 7)), .null]),
        ]
        for (type, values) in columns {
            var column = EntityHistoryMessage.Column(("c", type, nil), at: 0, of: .init(types: [type]))
            column.values = values
            let read = try JSONMessage.decode(
                EntityHistoryMessage.Column.self,
                from: try JSONMessage.encode(column)
            )
            #expect(read.type == type && read.values.count == values.count)
            for (a, b) in zip(read.values, values) {
                let (found, wanted) = (OracleAnswer(value: a, status: .present, newest: nil), b)
                #expect(found == OracleAnswer(value: wanted, status: .present, newest: nil), "\(a) \(b)")
            }
        }
    }

    @Test func historiesAreReadInPages() async throws {
        try await withServer { server in
            let time = Instant(microseconds: 999_000_000_000)
            for round in 0..<5 {
                try server.commit(customers: 0..<3, amount: Double(round) / 3, at: time, firstOffset: Int64(round) * 3)
            }
            let client = try await server.connect()
            func page(_ request: EntityHistoryRequest) async throws -> EntityHistoryMessage {
                let reply = try await client.admin("entity_history", try JSONMessage.encode(request))
                return try JSONMessage.decode(EntityHistoryMessage.self, from: reply)
            }
            var request = EntityHistoryRequest(source: "purchases", entity: "customer", key: [.int64(1)], limit: 2)
            let first = try await page(request)
            #expect(first.times == [time.microseconds, time.microseconds] && first.offsets == [1, 4])
            #expect(
                first.columns.map(\.name) == ["amount"] && first.columns[0].values == [.float64(0), .float64(1.0 / 3)]
            )
            request.after = first.next
            request.limit = 100
            let rest = try await page(request)
            #expect(rest.offsets == [7, 10, 13] && rest.next == nil && rest.horizon == nil && rest.dropped == nil)
            #expect(Set(rest.arrivals).count == 3)
            let sample = try JSONMessage.decode(
                SampleEntitiesMessage.self,
                from: try await client.admin(
                    "sample_entities",
                    try JSONMessage.encode(
                        SampleEntitiesRequest(source: "purchases", entity: "customer", count: 10, seed: 1)
                    )
                )
            )
            #expect(Set(sample.keys).isSubset(of: [[.int64(0)], [.int64(1)], [.int64(2)]]) && !sample.keys.isEmpty)
            #expect(sample.newestCommit == server.store.newestCommit.iso8601)
            let files = try JSONMessage.decode(DefinitionsMessage.self, from: try await client.admin("definitions"))
            #expect(files.files.map(\.text) == ServerUnderTest.definitions.files.map(\.text))
            for (verb, body) in [
                ("entity_history", #"{"source":"purchases","entity":"customer","key":["x"],"limit":1}"#),
                ("entity_history", #"{"source":"purchases","entity":"customer","key":[1,2],"limit":1}"#),
                ("entity_history", #"{"source":"purchases","entity":"customer","key":[1],"limit":0}"#),
                ("entity_history", #"{"source":"purchase","entity":"customer","key":[1],"limit":1}"#),
                ("sample_entities", #"{"source":"purchases","entity":"custmer","count":1,"seed":1}"#),
                ("sample_entities", #"{"source":"purchases","entity":"customer","count":1001,"seed":1}"#),
            ] {
                await #expect { _ = try await client.admin(verb, body) } throws: { error in
                    (error as? ClientError)?.code == .server(.badRequest)
                }
            }
            await client.close()
        }
    }
}
