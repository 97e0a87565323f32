// One case per class of mistake in feature views and services, with its exact place and text.

import FeatureModel
import FeatureRepository
import Testing

@Suite struct ViewMistakeTests {
    /// Each text is the first aggregation of a view; it begins at 7:9.
    @Test(arguments: [
        ("{column: amount, function: summ, time_window: 7d}", "7:36: unknown function 'summ'; did you mean 'sum'?"),
        (
            "{column: amount, function: geometric_mean, time_window: 7d}",
            "7:36: unknown function 'geometric_mean'; supported: count, sum, mean, min, max, first, last, first_n, last_n, first_distinct_n, last_distinct_n, count_distinct, approx_count_distinct, approx_percentile, var_pop, var_samp, stddev_pop, stddev_samp, top_k, histogram, decayed_sum, decayed_count, time_since_last, time_since_first"
        ),
        (
            "{column: amont, function: sum, time_window: 7d}",
            "7:18: source 'orders' has no column 'amont'; did you mean 'amount'?"
        ),
        (
            "{column: x, function: sum, time_window: 7d}",
            "7:18: source 'orders' has no column 'x'; its columns: customer_id, amount, city, paid, shipped"
        ),
        (
            "{column: city, function: sum, time_window: 7d}",
            "7:18: 'sum' does not apply to column 'city' of type string; it takes int64, float64"
        ),
        (
            "{column: paid, function: max, time_window: 7d}",
            "7:18: 'max' does not apply to column 'paid' of type bool; it takes int64, float64, timestamp"
        ),
        ("{function: sum, time_window: 7d}", "7:9: 'sum' needs a 'column'"),
        (
            "{column: amount, function: last_n, time_window: 7d}",
            "7:9: 'last_n' needs 'n'"
        ),
        (
            "{column: amount, function: last_n, n: 1001, time_window: 7d}",
            "7:47: 'n' must be a whole number from 1 to 1000, not '1001'"
        ),
        (
            "{column: amount, function: sum, n: 3, time_window: 7d}",
            "7:44: 'sum' takes no 'n'"
        ),
        (
            "{column: amount, function: approx_percentile, percentile: 95, time_window: 7d}",
            "7:67: 'percentile' must be a number from 0.0 to 1.0 such as 0.95, not '95'"
        ),
        (
            "{column: amount, function: approx_percentile, percentile: 0.5, n: 2, time_window: 7d}",
            "7:75: 'approx_percentile' takes no 'n'; it takes percentile, accuracy"
        ),
        (
            "{column: amount, function: decayed_sum, half_life: 1s, time_window: 7d}",
            "7:60: 'half_life' must be a duration from 1m to 3652d such as 7d, not '1s'"
        ),
        (
            "{column: city, function: var_pop, time_window: 7d}",
            "7:18: 'var_pop' does not apply to column 'city' of type string; it takes int64, float64"
        ),
        (
            "{column: city, function: top_k, n: 2, time_window: 12x1h}",
            "7:60: a series of 'top_k' would be a list of list<string>; a series takes functions with a single value"
        ),
        (
            "{column: city, function: top_k, n: 2, time_window: 7d, default: x}",
            "7:73: 'default' does not apply to a feature of type list<string>"
        ),
        ("{column: amount, time_window: 7d}", "7:9: an aggregation lacks 'function'"),
        ("{function: count}", "7:9: an aggregation lacks 'time_window'"),
        (
            "{function: count, time_window: 7 days}",
            "7:40: 'time_window' must be a duration such as 30d, 'lifetime', a number of events such as 50events, or a series such as 12x1h, not '7 days'"
        ),
        (
            "{function: count, time_window: 0events}",
            "7:40: 'time_window' must be a duration such as 30d, 'lifetime', a number of events such as 50events, or a series such as 12x1h, not '0events'"
        ),
        (
            "{function: count, time_window: 1x1h}",
            "7:40: 'time_window' must be a duration such as 30d, 'lifetime', a number of events such as 50events, or a series such as 12x1h, not '1x1h'"
        ),
        (
            "{function: count, time_window: 500ms}",
            "7:40: 'time_window' must be between 1s and 3652d, or 'lifetime', not '500ms'"
        ),
        (
            "{function: count, time_window: [7d, 9999d]}",
            "7:45: 'time_window' must be between 1s and 3652d, or 'lifetime', not '9999d'"
        ),
        ("{function: count, time_window: []}", "7:40: 'time_window' is empty; give at least one window such as 30d"),
        ("{function: count, time_window: {a: b}}", "7:40: 'time_window' must be a single value, not a mapping"),
        (
            "{function: count, time_window: 7d, offset: -1d}",
            "7:52: 'offset' must be a duration from 0s to 3652d such as 30d, not '-1d'"
        ),
        ("{function: count, time_window: lifetime, offset: 1d}", "7:40: 'lifetime' takes no offset"),
        (
            "{function: count, time_window: [1d, 2d], name: n}",
            "7:56: 'name' cannot stand with several windows; write one aggregation per name"
        ),
        (
            "{function: count, time_window: 1d, name: 'a:b'}",
            "7:50: feature name 'a:b' must begin with a letter or '_', consist of letters, digits and '_', and have at most 128 characters"
        ),
        (
            "{function: count, time_window: [1d, 24h]}",
            "7:45: feature 'count_1d' is already defined at feature_views.yaml:7:41"
        ),
        (
            "{function: count, time_window: 1d, default: 0.5}",
            "7:53: 'default' must be of the feature's type int64, not '0.5'"
        ),
        (
            "{column: amount, function: avg, time_window: 1d, default: nan}",
            "7:67: 'default' must be of the feature's type float64, not 'nan'"
        ),
        (
            "{column: paid, function: last, time_window: 1d, default: yes}",
            "7:66: 'default' must be of the feature's type bool, not 'yes'"
        ),
        (
            "{function: count, window: 7d, time_window: 7d}",
            "7:27: unknown key 'window' in an aggregation; did you mean 'time_window'?"
        ),
        (
            "{function: count, group_by: [city], time_window: 7d}",
            "7:37: 'group_by' must be a single value, not a list"
        ),
        (
            "{column: amount, function: sum, group_by: cty, time_window: 7d}",
            "7:51: source 'orders' has no column 'cty'; did you mean 'city'?"
        ),
        (
            "{column: city, function: top_k, n: 3, group_by: city, time_window: 7d}",
            "7:57: 'top_k' takes no 'group_by': a map holds single values, not list<string>"
        ),
        (
            "{column: city, function: histogram, group_by: city, time_window: 7d}",
            "7:55: 'histogram' takes no 'group_by': a map holds single values, not map<string, int64>"
        ),
        (
            "{column: amount, function: sum, max_groups: 3, time_window: 7d}",
            "7:53: 'sum' takes no 'max_groups'; it goes with 'group_by'"
        ),
        (
            "{function: count, group_by: city, max_groups: 1001, time_window: 7d}",
            "7:55: 'max_groups' must be a whole number from 1 to 1000, not '1001'"
        ),
        (
            "{function: count, group_by: city, default: 0, time_window: 7d}",
            "7:52: 'default' does not apply to a feature of type map<string, int64>"
        ),
        (
            "{function: count, group_by: city, time_window: 3x1h}",
            "7:56: a series of 'count' would be a list of map<string, int64>; a series takes functions with a single value"
        ),
        (
            "{funtion: count, function: count, time_window: 7d}",
            "7:10: unknown key 'funtion' in an aggregation; did you mean 'function'?"
        ),
        (
            "{function: count, time_window: 7d, slide_interval: 1d}",
            "7:44: unknown key 'slide_interval' in an aggregation; windows move with every event; there is no interval to set"
        ),
        (
            "count",
            "7:9: an aggregation must be a mapping with the keys column, function, group_by, time_window, offset, name, default, n, percentile, accuracy, precision, half_life, max_distinct, max_groups, not a single value"
        ),
    ])
    func aggregations(aggregation: String, expected: String) {
        let found = mistakes(Sample.files(views: Sample.view(aggregation), services: ""))
        #expect(found == ["feature_views.yaml:" + expected])
    }

    @Test func windowsBeyondHistory() {
        let views = Sample.view(
            "{function: count, time_window: [7d, 30d, 90d]}",
            "{function: count, time_window: 30d, offset: 30d}",
            "{function: count, time_window: lifetime}",
            extra: "history: 40d"
        )
        #expect(
            mistakes(Sample.files(views: views, services: "")) == [
                "feature_views.yaml:7:50: window 90d reaches further back than the view's history of 40d",
                "feature_views.yaml:8:40: window 30d with offset 30d reaches further back than the view's history of 40d",
            ]
        )
    }

    @Test(arguments: [
        (
            "history: always",
            "5:14: 'history' must be 'forever' or a duration from 1s to 3652d such as 400d, not 'always'"
        ),
        ("ttl: 1d", "5:5: unknown key 'ttl' in feature view 'spend'; 'history' says how long events stay readable"),
        ("entity: customer", "5:5: duplicate key 'entity'; it is already given on line 3"),
    ])
    func views(line: String, expected: String) {
        let views = Sample.view("{function: count, time_window: 7d}", extra: line)
        #expect(mistakes(Sample.files(views: views, services: "")) == ["feature_views.yaml:" + expected])
    }

    @Test func references() {
        let views = Sample.views.split(separator: "customer\n").joined(separator: "custmer\n")
            .split(separator: "source: orders").joined(separator: "source: logins")
        #expect(
            mistakes(Sample.files(views: views)) == [
                "feature_views.yaml:3:13: unknown entity 'custmer'; did you mean 'customer'?",
                "feature_views.yaml:4:13: unknown source 'logins'; defined: orders",
            ]
        )
    }

    @Test func missingParts() {
        let views = "feature_views:\n  - name: a\n  - {name: b, entity: customer, source: orders, aggregations: []}"
        #expect(
            mistakes(Sample.files(views: views, services: "")) == [
                "feature_views.yaml:2:5: feature view 'a' lacks 'entity'",
                "feature_views.yaml:2:5: feature view 'a' lacks 'source'",
                "feature_views.yaml:2:5: feature view 'a' lacks 'aggregations'",
                "feature_views.yaml:3:63: 'aggregations' is empty; a feature view has at least one",
            ]
        )
    }

    @Test func joinKeysInTheSource() {
        let entities = "entities: [{name: customer, join_keys: {customer_id: string, shop_id: int64}}]"
        #expect(
            mistakes(Sample.files(entities: entities)) == [
                "feature_views.yaml:3:13: entity 'customer' joins on 'customer_id', but source 'orders' has it as int64, not string",
                "feature_views.yaml:3:13: entity 'customer' joins on 'shop_id', but source 'orders' has no such column in its schema",
            ]
        )
    }

    @Test func valueColumnsAreCountedOverAllViewsOfAPair() {
        let columns = (0..<70).map { "    c\($0): int64" }.joined(separator: "\n")
        let sources =
            "sources:\n- name: orders\n  timestamp_field: at\n  timestamp_format: epoch_ms\n  schema:\n    customer_id: int64\n"
            + columns
        func view(_ name: String, _ range: Range<Int>) -> String {
            "- name: \(name)\n  entity: customer\n  source: orders\n  aggregations:\n"
                + range.map { "  - {column: c\($0), function: sum, time_window: 1d}\n" }.joined()
        }
        let right = "feature_views:\n" + view("a", 0..<40) + view("b", 20..<64)
        #expect(mistakes(Sample.files(sources: sources, views: right, services: "")) == [])
        let wrong = "feature_views:\n" + view("a", 0..<40) + view("b", 20..<66)
        #expect(
            mistakes(Sample.files(sources: sources, views: wrong, services: "")) == [
                "feature_views.yaml:94:14: column 'c64' is value column 65 of source 'orders' for entity 'customer'; "
                    + "all views of the two together may use 64"
            ]
        )
    }

    @Test(arguments: [
        ("[spnd:count_7d]", "3:16: unknown view 'spnd'; did you mean 'spend'?"),
        ("[spend:count_8d]", "3:16: feature view 'spend' has no feature 'count_8d'; did you mean 'count_7d'?"),
        (
            "[spend:x]",
            "3:16: feature view 'spend' has no feature 'x'; its features: count_7d, count_30d, amount_sum_7d"
        ),
        ("[spend:count_7d, spend:*]", "3:32: feature 'spend:count_7d' is already in feature service 'churn'"),
        ("[count_7d]", "3:16: a feature must be 'view:feature' or 'view:*', not 'count_7d'"),
        ("[{spend: count_7d}]", "3:16: a feature must be 'view:feature'; write 'spend:count_7d' without a space"),
        ("[[a]]", "3:16: a feature must be 'view:feature' or 'view:*', not a list"),
        ("[]", "3:15: 'features' is empty; a feature service has at least one"),
        ("spend:*", "3:15: 'features' must be a list, not a single value"),
        ("[spend:count_7d]\n    version: 0", "4:14: 'version' must be a whole number from 1 to 2147483647, not '0'"),
        (
            "[spend:count_7d]\n    version: 1.5",
            "4:14: 'version' must be a whole number from 1 to 2147483647, not '1.5'"
        ),
        (
            "[spend:count_7d]\n  - {name: churn, features: [spend:count_7d]}",
            "4:12: feature service 'churn@1' is already defined at feature_services.yaml:2:11"
        ),
    ])
    func services(features: String, expected: String) {
        let services = "feature_services:\n  - name: churn\n    features: \(features)"
        #expect(mistakes(Sample.files(services: services)) == ["feature_services.yaml:" + expected])
    }

    @Test func versionsAndStars() throws {
        let services =
            "feature_services:\n- {name: a-b, features: [spend:*]}\n- {name: a-b, version: 2, features: ['spend:count_30d']}"
        let read = try Sample.definition(services: services).featureServices
        #expect(read.map(\.versionedName) == ["a-b@1", "a-b@2"])
        #expect(read[0].features.map(\.feature) == ["count_7d", "count_30d", "amount_sum_7d"])
    }

    @Test func joinKeysOfOneNameMustAgreeInAService() {
        let entities = Sample.entities + "\n  - {name: shop, join_keys: {customer_id: string}}"
        let sources =
            Sample.sources
            + "\n  - {name: visits, timestamp_field: at, timestamp_format: epoch_s, schema: {customer_id: string}}"
        let views =
            Sample.views
            + "\n  - {name: visit, entity: shop, source: visits, aggregations: [{function: count, time_window: 1d}]}"
        let services = "feature_services: [{name: a, features: [spend:*, visit:*]}]"
        #expect(
            mistakes(Sample.files(entities: entities, sources: sources, views: views, services: services)) == [
                "feature_services.yaml:1:50: join key 'customer_id' is string in entity 'shop', but int64 in entity 'customer'; feature service 'a' joins both"
            ]
        )
    }

    @Test func aServiceHasAtMostAThousandFeatures() {
        let windows = (1...600).map { "\($0)s" }.joined(separator: ", ")
        let views = Sample.view(
            "{function: count, time_window: [\(windows)]}",
            "{column: amount, function: sum, time_window: [\(windows)]}"
        )
        let services = "feature_services: [{name: a, features: [spend:*]}]"
        #expect(
            mistakes(Sample.files(views: views, services: services)) == [
                "feature_services.yaml:1:40: more than 1000 features in feature service 'a'",
                "feature_views.yaml:7:7: 1200 features; a view has at most 1000",
            ]
        )
    }

    @Test func everyAliasIsTakenAndEveryDefaultRead() throws {
        let views = Sample.view(
            "{column: amount, function: avg, time_window: 1w, default: 1}",
            "{column: city, function: latest, time_window: lifetime, default: ''}",
            "{column: shipped, function: maximum, time_window: 90s, default: 2026-01-31T00:00:00Z}",
            "{column: paid, function: earliest, time_window: 36h, default: true}",
            "{function: count, time_window: 60m, default: null}"
        )
        let aggregations = try Sample.definition(views: views, services: "").featureViews[0].aggregations
        #expect(
            aggregations.map(\.name) == [
                "amount_mean_7d", "city_last_lifetime", "shipped_max_90s", "paid_first_36h", "count_1h",
            ]
        )
        #expect(
            aggregations.map(\.defaultValue) == [
                .float64(1), .string(""), .timestamp(Instant(microseconds: 1_769_817_600_000_000)), .bool(true), nil,
            ]
        )
    }
}
