import FeatureModel
import Testing

@Suite struct FunctionTests {
    @Test func approximateFunctionsStateTheirBound() {
        #expect(
            AggregateFunction.approxCountDistinct.errorBound(FunctionParameters()) == "relative standard error 0.01625"
        )
        #expect(
            AggregateFunction.approxCountDistinct.errorBound(FunctionParameters(precision: 16))
                == "relative standard error 0.00406"
        )
        #expect(
            AggregateFunction.approxPercentile.errorBound(FunctionParameters(percentile: 0.5, accuracy: 0.02))
                == "relative error at most 0.02"
        )
        let approximate = AggregateFunction.allCases.filter { $0.errorBound(FunctionParameters()) != nil }
        #expect(approximate == [.approxCountDistinct, .approxPercentile])
    }

    @Test(arguments: [
        (AggregateFunction.lastN, FunctionParameters(n: 5), "x_last_5_7d"),
        (.firstDistinctN, FunctionParameters(n: 2), "x_first_distinct_2_7d"),
        (.topK, FunctionParameters(n: 3, maxDistinct: 100), "x_top_3_7d"),
        (.approxPercentile, FunctionParameters(percentile: 0.95), "x_approx_p95_7d"),
        (.approxPercentile, FunctionParameters(percentile: 0.999), "x_approx_p99_9_7d"),
        (.approxPercentile, FunctionParameters(percentile: 0.9999), "x_approx_p99_99_7d"),
        (.approxPercentile, FunctionParameters(percentile: 1), "x_approx_p100_7d"),
        (.decayedSum, FunctionParameters(halfLife: 3_600_000_000), "x_decayed_sum_1h_7d"),
        (.stddevSamp, FunctionParameters(), "x_stddev_samp_7d"),
    ])
    func namesHoldWhatMattersOfParameters(function: AggregateFunction, parameters: FunctionParameters, name: String) {
        let window = TimeWindow.sliding(microseconds: 7 * 86_400_000_000)
        #expect(
            Aggregation.defaultName(
                function: function,
                parameters: parameters,
                column: "x",
                timeWindow: window,
                offset: 0
            )
                == name
        )
    }

    @Test func groupsAreInNamesAndTypes() {
        let window = TimeWindow.sliding(microseconds: 30 * 86_400_000_000)
        #expect(
            Aggregation(function: .sum, column: "amount", groupBy: "merchant", timeWindow: window).name
                == "amount_sum_by_merchant_30d"
        )
        #expect(
            Aggregation(function: .count, groupBy: "merchant", timeWindow: window, offset: 3_600_000_000).name
                == "count_by_merchant_30d_offset_1h"
        )
        #expect(AggregateFunction.sum.resultType(of: .float64, groupBy: .string) == .map(.string, to: .float64))
        #expect(AggregateFunction.sum.resultType(of: .string, groupBy: .string) == nil)
        let refused = AggregateFunction.allCases.filter { $0.resultType(of: .int64, groupBy: .bool) == nil }
        #expect(refused == [.firstN, .lastN, .firstDistinctN, .lastDistinctN, .topK, .histogram])
    }

    @Test func aliasesLeadToFunctions() {
        for (alias, function) in AggregateFunction.aliases {
            #expect(AggregateFunction(rawValue: alias) == nil, "\(alias) is \(function) and a function of its own")
        }
    }
}

@Suite struct TimeWindowTests {
    @Test(arguments: [
        ("7d", TimeWindow.sliding(microseconds: 604_800_000_000)), ("24h", .sliding(microseconds: 86_400_000_000)),
        ("lifetime", .lifetime), ("1events", .events(1)), ("1000000events", .events(1_000_000)),
        ("12x1h", .series(count: 12, step: 3_600_000_000)), ("2x1s", .series(count: 2, step: 1_000_000)),
    ])
    func writtenForms(text: String, window: TimeWindow) {
        #expect(TimeWindow(text) == window)
        #expect(TimeWindow(window.description) == window, "what is printed can be read")
    }

    @Test(arguments: [
        "", "0s", "999ms", "3653d", "0events", "1000001events", "events", "-1events", "1x1h", "1001x1s", "2x", "x1h",
        "2x500ms", "1000x10d", "2xlifetime", "1.5h", "9999999999999999999d", "99999999999999999999events",
    ])
    func whatIsNone(text: String) { #expect(TimeWindow(text) == nil) }
}

@Suite struct FeatureTypeTests {
    /// Every byte is one type or none, and every type has its byte.
    @Test func rawValues() {
        var types: Set<FeatureType> = []
        for byte in UInt8.min ... .max {
            guard let type = FeatureType(rawValue: byte) else { continue }
            #expect(type.rawValue == byte)
            types.insert(type)
        }
        let count = ValueType.allCases.count
        #expect(types.count == count + count + count * count)
        #expect(FeatureType.list(of: .string).name == "list<string>")
        #expect(FeatureType.map(.bool, to: .int64).name == "map<bool, int64>")
    }

    @Test func payloadsRoundTrip() {
        let values: [(FeatureValue, FeatureType)] = [
            (.list([]), .list(of: .int64)), (.list([.int64(.min), .null, .int64(7)]), .list(of: .int64)),
            (.list([.string("Übung"), .string("")]), .list(of: .string)),
            (.list([.bool(true), .null]), .list(of: .bool)),
            (
                .map([.init(key: .float64(-1.5), value: .int64(2)), .init(key: .float64(3), value: .null)]),
                .map(.float64, to: .int64)
            ),
        ]
        for (value, type) in values {
            var bytes: [UInt8] = []
            switch value {
            case .list(let elements): FeaturePayload.append(list: elements, to: &bytes)
            case .map(let entries): FeaturePayload.append(map: entries, to: &bytes)
            default: break
            }
            #expect(bytes.withUnsafeBytes { FeaturePayload.decode($0, type: type) } == value)
            // Nothing that is cut short or goes on is one.
            for end in bytes.indices {
                #expect(bytes[..<end].withUnsafeBytes { FeaturePayload.decode($0, type: type) } == nil)
            }
            #expect((bytes + [0]).withUnsafeBytes { FeaturePayload.decode($0, type: type) } == nil)
        }
    }
}
