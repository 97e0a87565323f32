import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureTesting
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

@Suite struct AdminTests {
    @Test func plansAppliesAndDescribes() async throws {
        try await withServer { server in
            let client = try await server.connect()
            var files = ServerUnderTest.definitions
            files.files[0].text = files.files[0].text.replacing("time_window: 1h}", with: "time_window: [1h, 1d]}")
            let body = try JSONMessage.encode(DefinitionFilesMessage(files))
            let plan = try JSONMessage.decode(PlanMessage.self, from: try await client.admin("plan", body))
            #expect(plan.ok && plan.hasChanges && plan.text.contains("amount_sum_1d"))
            await #expect(throws: ClientError.self) {
                _ = try await client.prepare(references: ["purchases:amount_sum_1d"])
            }
            let applied = try JSONMessage.decode(PlanMessage.self, from: try await client.admin("apply", body))
            #expect(applied.ok)
            _ = try await client.prepare(references: ["purchases:amount_sum_1d"])
            let description = try JSONMessage.decode(DescribeMessage.self, from: try await client.admin("describe"))
            #expect(description.features.contains { $0.reference == "purchases:amount_sum_1d" && $0.type == "float64" })
            #expect(description.services.map(\.joinKeys) == [["customer_id"]])
            let status = try JSONMessage.decode(StatusMessage.self, from: try await client.admin("status"))
            #expect(status.project == "test" && status.ingest == nil)
            await client.close()
        }
    }

    @Test func aMistakeAppliesNothing() async throws {
        try await withServer { server in
            let client = try await server.connect()
            let before = server.store.catalog.definitionHash
            var files = ServerUnderTest.definitions
            files.files[0].text = files.files[0].text.replacing("function: sum", with: "function: summ")
            let reply = try JSONMessage.decode(
                PlanMessage.self,
                from: try await client.admin("apply", try JSONMessage.encode(DefinitionFilesMessage(files)))
            )
            #expect(!reply.ok)
            #expect(reply.diagnostics.count == 1)
            #expect(reply.diagnostics.first?.hasPrefix("feature_store.yaml:") == true)
            #expect(server.store.catalog.definitionHash == before)
            await client.close()
        }
    }

    @Test func unknownVerbsAndBodiesAreBadRequests() async throws {
        try await withServer { server in
            let client = try await server.connect()
            for (verb, body) in [
                ("explode", "{}"), ("plan", "not json"), ("dead_letters", "{\"after\":0,\"limit\":0}"),
            ] {
                await #expect { _ = try await client.admin(verb, body) } throws: { error in
                    (error as? ClientError)?.code == .server(.badRequest)
                }
            }
            await client.close()
        }
    }
}
