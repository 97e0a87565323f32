// A hash says whether results can differ: it changes with everything that matters, and with nothing else.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct DefinitionHashTests {
    static let day: Int64 = 86_400_000_000

    private func changed(_ change: (inout FeatureStoreDefinition) -> Void) throws -> FeatureStoreDefinition {
        var definition = try Sample.definition()
        change(&definition)
        return definition
    }

    /// Golden: when this changes, every store believes that all its definitions changed.
    @Test func theFormatIsFixed() throws {
        let definition = try Sample.definition()
        #expect(definitionHash(of: definition) == "40bfdd84707b76b99b587e2f6af37f7e4ea00bdfb067d02711e4c0ebc53f6e79")
        #expect(
            definitionHash(ofView: "spend", in: definition)
                == "bbe3e3626507b36d986e66899249d578fd7f32c88119688525d87051959f80c5"
        )
        #expect(
            definitionHash(ofService: "churn", version: 1, in: definition)
                == "f4490900fb9b8ca75a3bac8c77eb9fb0156934f76449dc1a3a6ef5349db9b13b"
        )
    }

    /// Which events count depends on the event_id, and stored ones were read by the old one.
    @Test func eventIDMatters() throws {
        let old = try changed { $0.sources[0].eventID = "city" }
        #expect(
            try definitionHash(ofView: "spend", in: old) != definitionHash(ofView: "spend", in: Sample.definition())
        )
        for field in [nil, "customer_id"] {
            let plan = Plan(from: old, to: try changed { $0.sources[0].eventID = field })
            #expect(
                plan.refusals == [
                    "source 'orders': event_id changes from city to \(field ?? "none"); which stored events are duplicates was decided by the "
                        + "old one; give the source a new name"
                ]
            )
        }
    }

    @Test func layoutCommentsAndOrderDoNotMatter() throws {
        let one = """
            # everything in one file
            feature_services:
              - {features: ["spend:count_7d", 'spend:amount_sum_7d'], name: churn, version: 1, description: new}
            feature_views:
              - source: orders
                aggregations:
                  - {time_window: 168h, function: sum, column: amount}   # the same window
                  - {time_window: 30d, function: count}
                  - {time_window: 1w, function: count}
                name: spend
                history: forever
                entity: customer
            sources:
              - name: orders
                topic: orders
                schema: {shipped: timestamp, paid: bool, city: string, amount: float64, customer_id: int64}
                timestamp_format: epoch_ms
                timestamp_field: at
                max_future: 60m
                format: json
            entities: [{join_keys: [{type: int64, name: customer_id}], name: customer}]
            project: shop
            """
        let definition = try Repository(parsing: RepositoryFiles(["feature_store.yaml": one]), environment: [:])
            .definition
        let sample = try Sample.definition()
        #expect(definitionHash(of: definition) == definitionHash(of: sample))
        #expect(definitionHash(ofView: "spend", in: definition) == definitionHash(ofView: "spend", in: sample))
        #expect(
            definitionHash(ofService: "churn", version: 1, in: definition)
                == definitionHash(ofService: "churn", version: 1, in: sample)
        )
    }

    static let changes: [@Sendable (inout FeatureStoreDefinition) -> Void] = [
        { $0.entities[0].joinKeys[0].type = .string }, { $0.entities[0].joinKeys[0].name = "id" },
        { $0.sources[0].topic = "x" }, { $0.sources[0].timestampField = "x" },
        { $0.sources[0].timestampFormat = .epochSeconds },
        { $0.sources[0].start = .latest }, { $0.sources[0].start = .time(Instant(microseconds: 0)) },
        { $0.sources[0].maxFuture = 0 },
        { $0.sources[0].recordBytesMax = 1 }, { $0.sources[0].schema[1].type = .int64 },
        { $0.featureViews[0].history = .microseconds(40 * day) },
        { $0.featureViews[0].aggregations[0].function = .max }, { $0.featureViews[0].aggregations[0].column = "city" },
        { $0.featureViews[0].aggregations[0].groupBy = "city" },
        { $0.featureViews[0].aggregations[0].parameters.maxGroups = 10 },
        { $0.featureViews[0].aggregations[0].timeWindow = .lifetime },
        { $0.featureViews[0].aggregations[0].timeWindow = .sliding(microseconds: 7 * day + 1) },
        { $0.featureViews[0].aggregations[0].offset = 1 },
        { $0.featureViews[0].aggregations[0].defaultValue = .int64(0) },
        { $0.featureViews[0].aggregations[0].defaultValue = .null },
        { $0.featureViews[0].aggregations[2].defaultValue = .float64(-0.0) },
        { $0.featureViews[0].aggregations[2].defaultValue = .float64(0.0) },
    ]

    @Test(arguments: changes.indices) func whatChangesValuesChangesAllThreeHashes(index: Int) throws {
        let (before, after) = (try Sample.definition(), try changed(Self.changes[index]))
        #expect(definitionHash(of: before) != definitionHash(of: after))
        #expect(definitionHash(ofView: "spend", in: before) != definitionHash(ofView: "spend", in: after))
        #expect(
            definitionHash(ofService: "churn", version: 1, in: before)
                != definitionHash(ofService: "churn", version: 1, in: after)
        )
    }

    @Test func noTwoChangesHaveOneHash() throws {
        let hashes = try Self.changes.map { definitionHash(of: try changed($0)) }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func whatConcernsOthersLeavesAViewAndAServiceAlone() throws {
        let before = try Sample.definition()
        let after = try changed {
            $0.project = "other"
            $0.sources[0].deadLetterTopic = nil
            $0.sources[0].schema[2].type = .bool
            $0.sources[0].schema.append(Field(name: "more", type: .int64))
            $0.entities.append(Entity(name: "shop", joinKeys: []))
            $0.featureViews[0].description = "words"
        }
        #expect(definitionHash(of: before) != definitionHash(of: after))
        #expect(definitionHash(ofView: "spend", in: before) == definitionHash(ofView: "spend", in: after))
        let further = try changed {
            $0.featureViews[0].aggregations.append(Aggregation(function: .count, timeWindow: .lifetime))
        }
        #expect(definitionHash(ofView: "spend", in: before) != definitionHash(ofView: "spend", in: further))
        #expect(
            definitionHash(ofService: "churn", version: 1, in: before)
                == definitionHash(ofService: "churn", version: 1, in: further)
        )
    }

    @Test func theOrderOfAVectorMatters() throws {
        let (before, after) = (try Sample.definition(), try changed { $0.featureServices[0].features.reverse() })
        #expect(
            definitionHash(ofService: "churn", version: 1, in: before)
                != definitionHash(ofService: "churn", version: 1, in: after)
        )
        #expect(definitionHash(of: before) != definitionHash(of: after))
    }

    @Test func whatIsMissingHasNoHash() throws {
        let definition = try Sample.definition()
        #expect(definitionHash(ofView: "x", in: definition) == nil)
        #expect(definitionHash(ofService: "churn", version: 2, in: definition) == nil)
        let broken = try changed { $0.sources = [] }
        #expect(definitionHash(ofView: "spend", in: broken) == nil)
        #expect(definitionHash(ofService: "churn", version: 1, in: broken) == nil)
    }
}
