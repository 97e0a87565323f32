// The worked example in feature_repo/ says what its guide says.

import FeatureModel
import FeatureRepository
import Foundation
import Testing

@Suite struct ExampleTests {
    static let directory: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/feature_repo"
    }()

    let repository: Repository

    init() throws {
        repository = try Repository(parsing: .load(directory: Self.directory), environment: [:])
    }

    @Test func settings() {
        #expect(repository.definition.project == "cdnow")
        #expect(repository.kafka == ["bootstrap.servers": "127.0.0.1:9092"])
        #expect(repository.server == ServerConfiguration())
        #expect(repository.location(ofKafkaSetting: "bootstrap.servers")?.file == "feature_store.yaml")
        #expect(repository.location(ofKafkaSetting: "client.id") == nil)
    }

    @Test func brokerOfOnesOwn() throws {
        let own = try Repository(
            parsing: .load(directory: Self.directory),
            environment: ["KAFKA_BOOTSTRAP": "broker:9093"]
        )
        #expect(own.kafka["bootstrap.servers"] == "broker:9093")
    }

    @Test func entitiesAndSources() {
        #expect(
            repository.definition.entities == [
                Entity(
                    name: "customer",
                    joinKeys: [Field(name: "customer_id", type: .int64)],
                    description: "A buyer, from the first purchase on."
                )
            ]
        )
        #expect(
            repository.definition.sources == [
                Source(
                    name: "purchases",
                    topic: "purchases",
                    timestampField: "purchased_at",
                    timestampFormat: .iso8601,
                    start: .earliest,
                    maxFuture: 3_600_000_000,
                    recordBytesMax: 1 << 20,
                    deadLetterTopic: "purchases.dlq",
                    schema: [
                        Field(name: "customer_id", type: .int64), Field(name: "quantity", type: .int64),
                        Field(name: "amount", type: .float64),
                    ]
                )
            ]
        )
    }

    @Test func features() throws {
        let view = try #require(repository.definition.featureViews.first)
        #expect(repository.definition.featureViews.count == 1)
        #expect(view.name == "customer_purchases" && view.history == .forever)
        #expect(
            view.aggregations.map(\.name) == [
                "count_1d", "count_7d", "count_30d", "count_90d", "count_lifetime", "count_30d_offset_30d",
                "amount_sum_7d",
                "amount_sum_30d", "amount_sum_90d", "amount_sum_lifetime", "amount_mean_30d", "amount_mean_90d",
                "amount_mean_lifetime", "amount_min_lifetime", "amount_max_90d", "amount_max_lifetime",
                "quantity_sum_30d",
                "quantity_sum_90d", "quantity_sum_lifetime", "first_amount", "latest_amount",
            ]
        )
        let day: Int64 = 86_400_000_000
        #expect(view.aggregations[2] == Aggregation(function: .count, timeWindow: .sliding(microseconds: 30 * day)))
        #expect(view.aggregations[5].offset == 30 * day)
        #expect(view.aggregations[6].defaultValue == .float64(0))
        #expect(view.aggregations[16].defaultValue == .int64(0))
    }

    @Test func services() {
        let services = repository.definition.featureServices
        #expect(services.map(\.versionedName) == ["repeat_purchase@1", "storefront@1", "checkout@1"])
        #expect(services[0].features.count == 12)
        #expect(services[0].features[0] == FeatureReference(view: "customer_purchases", feature: "count_30d"))
        #expect(services[1].features.map(\.feature) == ["count_30d", "latest_amount"])
    }

    /// The examples of docs/definitions.md, each as a file of its own, make a repository.
    @Test func theReferenceIsRight() throws {
        let path = Self.directory.dropLast("feature_repo".count) + "docs/definitions.md"
        var files: [RepositoryFiles.File] = []
        var block: [Substring]?
        for line in try String(contentsOfFile: String(path), encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        ) {
            if let lines = block, line == "```" {
                let name = files.isEmpty ? RepositoryFiles.storeFileName : "example\(files.count).yaml"
                files.append(.init(name: name, text: lines.joined(separator: "\n")))
                block = nil
            } else if line == "```yaml" {
                block = []
            } else {
                block?.append(line)
            }
        }
        let definition = try Repository(parsing: RepositoryFiles(files), environment: [:]).definition
        #expect(definition.entities.count == 2 && definition.sources.count == 2)
        #expect(definition.featureViews[0].aggregations.last?.name == "mean_before")
        #expect(definition.featureServices.map(\.features.count) == [2, 5])
        #expect(definition.attributeViews.map(\.featureNames) == [["country", "segment", "is_large", "limit"]])
    }

    @Test func planForANewStore() {
        let plan = Plan(from: nil, to: repository.definition)
        #expect(plan.isApplicable && plan.notes.isEmpty)
        #expect(plan.text.hasPrefix("Plan for project cdnow\n  + entity customer\n      + customer_id int64\n"))
        #expect(plan.text.contains("      + count_30d (count of events over 30d)\n"))
        #expect(plan.text.hasSuffix("7 to add, 0 to change, 0 to remove, 0 unchanged.\n"))
    }
}
