import FeatureModel
import Testing
import Windowing

@testable import FeatureTesting

/// Every function with values worked out by hand, by the oracle and by `WindowPlan`: two that agree may both be wrong.
@Suite struct FunctionOracleTests {
    /// Of values one microsecond apart, the newest at 999, in the window of a hundred before 1000.
    static func value(
        _ function: AggregateFunction,
        _ values: [FeatureValue],
        _ type: ValueType = .int64,
        n: Int? = nil,
        percentile: Double? = nil,
        accuracy: Double? = nil,
        halfLife: Int64? = nil,
        maxDistinct: Int? = nil,
        offset: Int64 = 0,
        defaultValue: FeatureValue = .null
    ) -> OracleAnswer {
        let parameters = FunctionParameters(
            n: n,
            percentile: percentile,
            accuracy: accuracy,
            halfLife: halfLife,
            maxDistinct: maxDistinct
        )
        let query = OracleQuery(
            function: function,
            parameters: parameters,
            column: 0,
            length: 100,
            offset: offset,
            defaultValue: defaultValue
        )
        let start = 1000 - Int64(values.count)
        // It makes the entity known and lies in no window.
        let old = OracleEvent(time: 1, arrival: 0, position: OracleEvent.Place(offset: 999), values: [.null])
        let events =
            [old]
            + values.enumerated().map { index, value in
                OracleEvent(
                    time: start + Int64(index),
                    arrival: 0,
                    position: OracleEvent.Place(offset: Int64(index)),
                    values: [value]
                )
            }
        let answer = NaiveOracle.value(events, query, asOf: 1000, knownAt: .max)
        let found = evaluate([query], events, types: [type], asOf: 1000, knownAt: .max, boundary: .strict)
        #expect(found == [answer])
        return answer
    }

    static func integers(_ numbers: [Int64]) -> [FeatureValue] { numbers.map { .int64($0) } }
    static func doubles(_ numbers: [Double]) -> [FeatureValue] { numbers.map { .float64($0) } }

    @Test func ends() {
        let values = Self.integers([3, 1, 3, 2, 1, 4, 1])
        #expect(Self.value(.firstN, values, n: 3).value == .list(Self.integers([3, 1, 3])))
        #expect(Self.value(.lastN, values, n: 3).value == .list(Self.integers([1, 4, 1])))
        #expect(Self.value(.lastN, values, n: 9).value == .list(values))
        #expect(Self.value(.firstDistinctN, values, n: 3).value == .list(Self.integers([3, 1, 2])))
        // Last appearances: 3 at the third event, 2 at the fourth, 4 at the sixth, 1 at the seventh.
        #expect(Self.value(.lastDistinctN, values, n: 3).value == .list(Self.integers([2, 4, 1])))
        #expect(Self.value(.lastDistinctN, values, n: 9).value == .list(Self.integers([3, 2, 4, 1])))
        #expect(Self.value(.firstN, [.null, .int64(7), .null], n: 2).value == .list([.int64(7)]))
    }

    @Test func counts() {
        let values = Self.integers([5, -2, 5, 9, -2, 7])
        #expect(Self.value(.countDistinct, values).value == .int64(4))
        #expect(Self.value(.countDistinct, values, maxDistinct: 4).value == .int64(4))
        #expect(Self.value(.topK, values, n: 3).value == .list(Self.integers([-2, 5, 7])))
        let entries = [(-2, 2), (5, 2), (7, 1), (9, 1)].map { key, count in
            FeatureValue.Entry(key: .int64(key), value: .int64(count))
        }
        #expect(Self.value(.histogram, values).value == .map(entries))
        for function in [.countDistinct, .topK, .histogram] as [AggregateFunction] {
            #expect(Self.value(function, values, n: 1, maxDistinct: 3).status == .overflow, "\(function)")
        }
        #expect(Self.value(.approxCountDistinct, values).value == .int64(4))
    }

    /// Enough values to fill registers: the estimate of few ones hardly looks at their ranks.
    @Test func manyDistinctValues() {
        let values = (0..<6000).map { [FeatureValue.int64($0), .string("value \($0)")] }
        let events = values.enumerated().map { index, values in
            OracleEvent(
                time: Int64(index),
                arrival: 0,
                position: OracleEvent.Place(offset: Int64(index)),
                values: values
            )
        }
        let windows: [(column: Int, length: Int64?)] = [(0, 700), (0, nil), (1, 700), (1, nil)]
        let queries = FunctionParameters.precisionRange.flatMap { precision in
            windows.map { column, length in
                OracleQuery(
                    function: .approxCountDistinct,
                    parameters: FunctionParameters(precision: precision),
                    column: column,
                    length: length
                )
            }
        }
        let found = evaluate(
            queries,
            events,
            types: [.int64, .string],
            asOf: 6000,
            knownAt: .max,
            boundary: .strict
        )
        for (query, answer) in zip(queries, found) {
            #expect(answer == NaiveOracle.value(events, query, asOf: 6000, knownAt: .max), "\(query)")
        }
    }

    @Test func ordersOfValues() {
        // Bytes, not letters: "z" is 7a, and "é" is c3 a9 or, written as two, 65 cc 81.
        let texts = ["z", "\u{e9}", "", "e\u{301}", "ea"].map { FeatureValue.string($0) }
        let ascending = ["", "ea", "e\u{301}", "z", "\u{e9}"]
        guard case .list(let found) = Self.value(.topK, texts, .string, n: 9).value else { return }
        #expect(found.map { NaiveOracle.bytes(of: $0) } == ascending.map { Array($0.utf8) })
        #expect(Self.value(.countDistinct, texts, .string).value == .int64(5))
        let flags = [true, false].map { FeatureValue.bool($0) }
        #expect(Self.value(.topK, flags, .bool, n: 2).value == .list([.bool(false), .bool(true)]))
        let numbers = [1, -1, 1e300, -1e300, 0.5]
        #expect(Self.value(.topK, Self.doubles(numbers), .float64, n: 5).value == .list(Self.doubles(numbers.sorted())))
    }

    /// Values and categories of events one microsecond apart, the newest at 999; in all windows of a hundred before 1000.
    static func grouped(
        _ function: AggregateFunction,
        _ pairs: [(value: FeatureValue, category: FeatureValue)],
        _ parameters: FunctionParameters = FunctionParameters(),
        hasColumn: Bool = true,
        type: ValueType = .string
    ) -> OracleAnswer {
        let query = OracleQuery(
            function: function,
            parameters: parameters,
            column: hasColumn ? 0 : nil,
            groupBy: 1,
            length: 100
        )
        let events = pairs.enumerated().map { index, pair in
            OracleEvent(
                time: 1000 - Int64(pairs.count) + Int64(index),
                arrival: 0,
                position: OracleEvent.Place(offset: Int64(index)),
                values: [pair.value, pair.category]
            )
        }
        let answer = NaiveOracle.value(events, query, asOf: 1000, knownAt: .max)
        let types: [ValueType] = [.int64, type]
        #expect(evaluate([query], events, types: types, asOf: 1000, knownAt: .max, boundary: .strict) == [answer])
        return answer
    }

    static func map(_ entries: [(String, FeatureValue)]) -> FeatureValue {
        .map(entries.map { FeatureValue.Entry(key: .string($0), value: $1) })
    }

    @Test func groups() {
        let pairs: [(FeatureValue, FeatureValue)] = [
            (.int64(1), .string("b")), (.int64(2), .string("a")), (.int64(4), .string("b")), (.int64(8), .null),
            (.null, .string("c")), (.null, .string("c")), (.int64(16), .string("d")),
        ]
        let sums: [(String, FeatureValue)] = [
            ("a", .int64(2)), ("b", .int64(5)), ("c", .null), ("d", .int64(16)),
        ]
        #expect(Self.grouped(.sum, pairs).value == Self.map(sums))
        #expect(
            Self.grouped(.count, pairs).value
                == Self.map([("a", .int64(1)), ("b", .int64(2)), ("c", .int64(0)), ("d", .int64(1))])
        )
        let events = Self.grouped(.count, pairs, hasColumn: false)
        #expect(events.value == Self.map([("a", .int64(1)), ("b", .int64(2)), ("c", .int64(2)), ("d", .int64(1))]))
        #expect(events.newest == 999)
        // b and c have two events each, a and d one each: by number of events, ties in the order of the categories.
        #expect(Self.grouped(.sum, pairs, FunctionParameters(maxGroups: 1)).value == Self.map([sums[1]]))
        #expect(Self.grouped(.sum, pairs, FunctionParameters(maxGroups: 3)).value == Self.map(Array(sums[..<3])))
        #expect(Self.grouped(.last, pairs, FunctionParameters(maxGroups: 1)).value == Self.map([("b", .int64(4))]))
        #expect(
            Self.grouped(.timeSinceFirst, pairs, FunctionParameters(maxGroups: 1)).value
                == Self.map([("b", .float64(0.000007))])
        )
        #expect(Self.grouped(.sum, pairs, FunctionParameters(maxDistinct: 4)).status == .present)
        #expect(Self.grouped(.sum, pairs, FunctionParameters(maxDistinct: 3)).status == .overflow)
        // Five pairs of a category and a value, two of them in the category that is asked for.
        #expect(
            Self.grouped(.countDistinct, pairs, FunctionParameters(maxDistinct: 4, maxGroups: 1)).value
                == Self.map([("b", .int64(2))])
        )
        #expect(
            Self.grouped(.countDistinct, pairs + [(.int64(3), .string("b"))], FunctionParameters(maxDistinct: 4)).status
                == .overflow
        )
    }

    @Test func groupsWithoutEventsAndBeyondTheirType() {
        let none = Self.grouped(.count, [(.int64(1), .null)], hasColumn: false)
        #expect(none == OracleAnswer(value: .null, status: .nullValue, newest: nil))
        let huge: [(FeatureValue, FeatureValue)] = [
            (.int64(.max), .int64(-1)), (.int64(1), .int64(-1)), (.int64(1), .int64(7)), (.int64(1), .int64(7)),
            (.int64(2), .int64(7)),
        ]
        // Only the values that are in the answer can make it OVERFLOW.
        #expect(Self.grouped(.sum, huge, type: .int64).status == .overflow)
        let one = FeatureValue.map([FeatureValue.Entry(key: .int64(7), value: .int64(4))])
        #expect(Self.grouped(.sum, huge, FunctionParameters(maxGroups: 1), type: .int64).value == one)
        // One event has no sample variance.
        let single = Self.grouped(.varSamp, [(.int64(1), .bool(true))], type: .bool)
        #expect(single.value == .map([FeatureValue.Entry(key: .bool(true), value: .null)]))
    }

    /// More categories than a table begins with, in every order of merging that a tree has.
    @Test(arguments: [ValueType.int64, .float64, .string])
    func manyCategories(type: ValueType) {
        var random = SplitMix64(seed: 7)
        let events = (0..<3000).map { index in
            let number = Int.random(in: 0..<900, using: &random) - 450
            let category: FeatureValue =
                type == .int64
                ? .int64(Int64(number)) : type == .float64 ? .float64(Double(number) / 3) : .string("\(number)")
            return OracleEvent(
                time: Int64(index) / 2,
                arrival: 0,
                position: OracleEvent.Place(offset: Int64(index)),
                values: [.int64(Int64(index)), category]
            )
        }
        let queries = [
            OracleQuery(
                function: .sum,
                parameters: FunctionParameters(maxGroups: 1000),
                column: 0,
                groupBy: 1,
                length: nil
            ),
            OracleQuery(
                function: .countDistinct,
                parameters: FunctionParameters(maxDistinct: 2999),
                column: 0,
                groupBy: 1,
                length: nil
            ),
            OracleQuery(
                function: .countDistinct,
                parameters: FunctionParameters(maxDistinct: 3000),
                column: 0,
                groupBy: 1,
                length: nil
            ),
            OracleQuery(
                function: .mean,
                parameters: FunctionParameters(maxGroups: 120),
                column: 0,
                groupBy: 1,
                length: 900
            ),
            OracleQuery(
                function: .max,
                parameters: FunctionParameters(maxDistinct: 200),
                column: 0,
                groupBy: 1,
                length: nil
            ),
        ]
        let types: [ValueType] = [.int64, type]
        let plan = WindowPlan(queries.map { $0.planned(types) })
        for shape in [TreeShape.standard, TreeShape(leafEvents: 7, children: 3)] {
            let built = EventsBuilder(events, types: types, shape: shape)
            let found = evaluate(
                plan,
                queries,
                built.events,
                types: types,
                asOf: 1500,
                knownAt: .max,
                boundary: .strict
            )
            for (query, answer) in zip(queries, found) {
                #expect(answer == NaiveOracle.value(events, query, asOf: 1500, knownAt: .max), "\(query)")
            }
        }
    }

    @Test func variances() {
        // Mean 5, squared deviations 9 1 1 1 0 0 4 16.
        let values = Self.integers([2, 4, 4, 4, 5, 5, 7, 9])
        #expect(Self.value(.varPop, values).value == .float64(4))
        #expect(Self.value(.stddevPop, values).value == .float64(2))
        #expect(Self.value(.varSamp, values).value == .float64(32.0 / 7))
        #expect(Self.value(.stddevSamp, values).value == .float64((32.0 / 7).squareRoot()))
        // Where doubles would see no difference.
        #expect(Self.value(.varPop, Self.integers([.max, .max - 2])).value == .float64(1))
        #expect(Self.value(.varPop, Self.doubles([1e300, 1]), .float64).status == .overflow)
        #expect(Self.value(.varPop, Self.doubles([1e300, 1e300]), .float64).value == .float64(0))
        let one = Self.integers([5])
        #expect(Self.value(.varPop, one).value == .float64(0))
        #expect(Self.value(.varSamp, one) == OracleAnswer(value: .null, status: .nullValue, newest: 999))
        let filled = Self.value(.stddevSamp, one, defaultValue: .float64(-1))
        #expect(filled == OracleAnswer(value: .float64(-1), status: .present, newest: 999))
    }

    @Test func decay() {
        // At 998 and 999, seen from 1000 with a half-life of one microsecond: a quarter and a half.
        #expect(Self.value(.decayedSum, Self.integers([100, 10]), halfLife: 1).value == .float64(30))
        #expect(Self.value(.decayedCount, Self.integers([100, 10]), halfLife: 1).value == .float64(0.75))
        // From the window's end at 999, the event there outside.
        #expect(Self.value(.decayedSum, Self.integers([100, 10]), halfLife: 1, offset: 1).value == .float64(50))
        // 1000 = 333 * 3 + 1 and 999 = 333 * 3: 2^(-1/3), as 1 divided by the double nearest to 2^(1/3).
        let third = 1 / Double(bitPattern: 0x3ff4_28a2_f98d_728b)
        #expect(Self.value(.decayedCount, Self.integers([7]), halfLife: 3).value == .float64(third))
        let huge = Self.doubles([.greatestFiniteMagnitude, .greatestFiniteMagnitude])
        #expect(Self.value(.decayedSum, huge, .float64, halfLife: 1 << 40).status == .overflow)
        #expect(Self.value(.decayedSum, huge, .float64, halfLife: 1).value == .float64(0x1.7ffff_ffff_ffffp1023))
    }

    @Test func times() {
        let values = Self.integers([1, 2, 3])
        #expect(Self.value(.timeSinceLast, values).value == .float64(0.000001))
        #expect(Self.value(.timeSinceFirst, values).value == .float64(0.000003))
        #expect(Self.value(.timeSinceLast, [.int64(1), .null, .null]).value == .float64(0.000003))
    }

    @Test func nothing() {
        for function in AggregateFunction.allCases {
            let empty = Self.value(function, [], n: 3, percentile: 0.5, halfLife: 60_000_000)
            switch function {
            case .count, .countDistinct, .approxCountDistinct: #expect(empty.value == .int64(0))
            case .decayedCount: #expect(empty.value == .float64(0))
            default: #expect(empty.value == .null && empty.status == .nullValue, "\(function)")
            }
        }
    }
}
