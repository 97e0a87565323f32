// What a plan shows, notes and refuses.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct PlanTests {
    private func plan(_ change: (inout FeatureStoreDefinition) -> Void) throws -> Plan {
        let applied = try Sample.definition()
        var new = applied
        change(&new)
        return Plan(from: applied, to: new)
    }

    private func details(_ plan: Plan) -> [String] { plan.changes.flatMap(\.details) }

    @Test func nothingChanges() throws {
        let plan = try plan { _ in }
        #expect(plan.isEmpty && plan.isApplicable && plan.count(of: .unchanged) == 4)
        #expect(
            plan.text == "Plan for project shop\n  nothing changes\n0 to add, 0 to change, 0 to remove, 4 unchanged.\n"
        )
        #expect(plan.definitionHash == definitionHash(of: try Sample.definition()))
    }

    @Test func anOrderWithoutMeaningIsNoChange() throws {
        #expect(
            try plan {
                $0.featureViews[0].aggregations.reverse(); $0.sources[0].schema.reverse()
            }.isEmpty
        )
    }

    @Test func aNewStoreRefusesNothing() throws {
        let plan = Plan(from: nil, to: try Sample.definition())
        #expect(plan.count(of: .add) == 4 && plan.isApplicable && plan.notes.isEmpty)
        #expect(
            plan.text == """
                Plan for project shop
                  + entity customer
                      + customer_id int64
                  + source orders
                      + topic: orders
                      + timestamp_field: at
                      + timestamp_format: epoch_ms
                      + start: earliest
                      + max_future: 1h
                      + record_bytes_max: 1048576
                      + dead_letter_topic: orders.dlq
                      + column customer_id int64
                      + column amount float64
                      + column city string
                      + column paid bool
                      + column shipped timestamp
                  + view spend
                      + entity: customer
                      + source: orders
                      + history: forever
                      + count_7d (count of events over 7d)
                      + count_30d (count of events over 30d)
                      + amount_sum_7d (sum of amount over 7d)
                  + service churn@1
                      + spend:count_7d
                      + spend:amount_sum_7d
                4 to add, 0 to change, 0 to remove, 0 unchanged.

                """
        )
    }

    @Test func featuresThatComeGoAndChange() throws {
        let plan = try plan {
            $0.featureViews[0].aggregations[0].defaultValue = .int64(1)
            $0.featureViews[0].aggregations.remove(at: 1)
            $0.featureViews[0].aggregations.append(
                Aggregation(
                    function: .mean,
                    column: "amount",
                    timeWindow: .sliding(microseconds: 3_600_000_000),
                    offset: 60_000_000
                )
            )
            $0.featureViews[0].description = "words"
        }
        #expect(plan.isApplicable && plan.count(of: .change) == 1)
        #expect(
            details(plan) == [
                "~ count_7d: count of events over 7d -> count of events over 7d, default 1",
                "+ amount_mean_1h_offset_1m (mean of amount over 1h, ending 1m before)",
                "- count_30d (count of events over 30d)",
                "~ description",
            ]
        )
        #expect(
            plan.notes == [
                "view 'spend': 'count_7d' keeps its name but means something else; models trained on the old one will see the new"
            ]
        )
    }

    @Test(arguments: [
        (
            "topic",
            "source 'orders': topic changes from orders to new; what is stored was read by the old one; give the source a new name"
        ),
        (
            "timestamp_field",
            "source 'orders': timestamp_field changes from at to new; what is stored was read by the old one; give the source a new name"
        ),
        (
            "timestamp_format",
            "source 'orders': timestamp_format changes from epoch_ms to epoch_s; what is stored was read by the old one; give the source a new name"
        ),
        (
            "column",
            "source 'orders': column 'amount' changes from float64 to int64; stored values cannot be rewritten; give the source a new name"
        ),
        (
            "join_keys",
            "entity 'customer': join_keys change from (customer_id int64) to (customer_id string); stored keys cannot be rewritten; give the entity a new name"
        ),
        (
            "entity",
            "view 'spend': entity changes from customer to new; it would be another history under the old name; give the view a new name"
        ),
        (
            "source",
            "view 'spend': source changes from orders to new; it would be another history under the old name; give the view a new name"
        ),
        (
            "project",
            "the project is 'new', but the store holds 'shop': a store belongs to one project; use another data directory"
        ),
    ])
    func refusals(what: String, expected: String) throws {
        let plan = try plan {
            switch what {
            case "topic": $0.sources[0].topic = "new"
            case "timestamp_field": $0.sources[0].timestampField = "new"
            case "timestamp_format": $0.sources[0].timestampFormat = .epochSeconds
            case "column": $0.sources[0].schema[1].type = .int64
            case "join_keys": $0.entities[0].joinKeys[0].type = .string
            case "entity": $0.featureViews[0].entity = "new"
            case "source": $0.featureViews[0].source = "new"
            default: $0.project = "new"
            }
        }
        #expect(plan.refusals == [expected])
        #expect(!plan.isApplicable && !plan.isEmpty)
        #expect(
            plan.text.contains("Refused\n  ! \(expected)\n") && plan.text.hasSuffix("Cannot be applied: 1 refused.\n")
        )
    }

    @Test(arguments: [
        ("start", "source 'orders': start takes effect only for partitions without a stored offset"),
        ("max_future", "source 'orders': max_future counts for records that are read from now on"),
        (
            "history",
            "view 'spend': history shortens to 40d; older events are dropped and do not come back without a replay"
        ),
        (
            "column",
            "view 'spend': no view used column 'city' so far, so it is not in the history; city_last_lifetime start with PARTIAL until a replay"
        ),
        (
            "pair",
            "view 'new' is the first one of source 'orders' for entity 'other': events consumed so far are not in its history; its features start with PARTIAL until a replay"
        ),
        (
            "vector",
            "service 'churn@1': its vector changes under the same version; models that use it see the new one; consider version 2"
        ),
    ])
    func notes(what: String, expected: String) throws {
        let plan = try plan {
            switch what {
            case "start": $0.sources[0].start = .latest
            case "max_future": $0.sources[0].maxFuture = 0
            case "history": $0.featureViews[0].history = .microseconds(40 * 86_400_000_000)
            case "column":
                $0.featureViews[0].aggregations.append(
                    Aggregation(function: .last, column: "city", timeWindow: .lifetime)
                )
            case "pair":
                $0.entities.append(Entity(name: "other", joinKeys: [Field(name: "city", type: .string)]))
                $0.featureViews.append(
                    FeatureView(
                        name: "new",
                        entity: "other",
                        source: "orders",
                        aggregations: [Aggregation(function: .count, timeWindow: .lifetime)]
                    )
                )
            default: $0.featureServices[0].features.reverse()
            }
        }
        #expect(plan.notes == [expected])
        #expect(plan.isApplicable && plan.text.contains("Notes\n  * \(expected)\n"))
    }

    @Test func removals() throws {
        let plan = try plan {
            $0.featureServices = []
            $0.sources[0].schema.removeLast()
        }
        #expect(
            plan.text == """
                Plan for project shop
                  ~ source orders
                      - column shipped timestamp
                  - service churn@1
                      - spend:count_7d
                      - spend:amount_sum_7d
                0 to add, 1 to change, 1 to remove, 2 unchanged.

                """
        )
    }

    @Test func json() throws {
        let plan = try plan {
            $0.featureViews[0].aggregations.append(
                Aggregation(
                    name: "c",
                    function: .last,
                    column: "city",
                    timeWindow: .lifetime,
                    defaultValue: .string("a\"b\\é\u{2028}")
                )
            )
        }
        let hash = plan.definitionHash
        let expected =
            #"{"format":1,"project":"shop","definition_hash":"\#(hash)","applicable":true,"changes":["#
            + #"{"kind":"unchanged","object":"entity","name":"customer","details":[]},"#
            + #"{"kind":"unchanged","object":"source","name":"orders","details":[]},"#
            + #"{"kind":"change","object":"view","name":"spend","details":["+ c (last of city over lifetime, default 'a\"b\\é\u2028')"]},"#
            + #"{"kind":"unchanged","object":"service","name":"churn@1","details":[]}],"#
            + #""notes":["view 'spend': no view used column 'city' so far, so it is not in the history; c start with PARTIAL until a replay"],"refusals":[]}"#
        #expect(plan.json == expected)
    }
}
