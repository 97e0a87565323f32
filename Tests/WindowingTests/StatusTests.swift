import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// The rules of section 3 one by one, with values worked out by hand.
@Suite struct StatusTests {
    static func event(_ time: Int64, _ value: FeatureValue, arrival: Int64 = 0, partition: Int = 0, offset: Int64 = 0)
        -> OracleEvent
    {
        OracleEvent(
            time: time,
            arrival: arrival,
            position: OracleEvent.Place(partition: partition, offset: offset),
            values: [value]
        )
    }

    static func one(
        _ function: AggregateFunction,
        _ type: ValueType,
        _ events: [OracleEvent],
        length: Int64? = 100,
        asOf: Int64 = 1000,
        knownAt: Int64 = .max,
        defaultValue: FeatureValue = .null,
        availableFrom: Int64? = nil
    ) -> OracleAnswer {
        let query = OracleQuery(
            function: function,
            column: 0,
            length: length,
            defaultValue: defaultValue,
            availableFrom: availableFrom
        )
        return evaluate([query], events, types: [type], asOf: asOf, knownAt: knownAt, boundary: .strict)[0]
    }

    @Test func emptyWindowsAndUnknownEntities() {
        let old = [Self.event(1, .int64(5))]
        #expect(Self.one(.count, .int64, []) == OracleAnswer(value: .int64(0), status: .notFound, newest: nil))
        #expect(Self.one(.sum, .int64, []) == OracleAnswer(value: .null, status: .notFound, newest: nil))
        #expect(
            Self.one(.sum, .int64, [], defaultValue: .int64(7))
                == OracleAnswer(value: .int64(7), status: .notFound, newest: nil)
        )
        #expect(Self.one(.count, .int64, old) == OracleAnswer(value: .int64(0), status: .present, newest: nil))
        #expect(Self.one(.sum, .int64, old) == OracleAnswer(value: .null, status: .nullValue, newest: nil))
        #expect(
            Self.one(.sum, .int64, old, defaultValue: .int64(7))
                == OracleAnswer(value: .int64(7), status: .present, newest: nil)
        )
        #expect(
            Self.one(.sum, .int64, [Self.event(1000, .int64(5))]).status == .notFound,
            "the label's own event is not known yet"
        )
    }

    @Test func overflowStandsAbovePartial() {
        let events = [Self.event(950, .int64(.max)), Self.event(960, .int64(1), offset: 1)]
        #expect(Self.one(.sum, .int64, events) == OracleAnswer(value: .null, status: .overflow, newest: 960))
        #expect(Self.one(.sum, .int64, events, availableFrom: 950).status == .overflow)
        #expect(Self.one(.mean, .int64, events) == OracleAnswer(value: .float64(0x1p62), status: .present, newest: 960))
        let huge = [Self.event(950, .float64(1e308)), Self.event(960, .float64(1e308), offset: 1)]
        #expect(Self.one(.sum, .float64, huge).status == .overflow)
        #expect(Self.one(.mean, .float64, huge).status == .overflow)
    }

    @Test func partialStandsAboveNull() {
        #expect(Self.one(.sum, .int64, [Self.event(1, .int64(5))], availableFrom: 901).status == .partial)
        #expect(Self.one(.sum, .int64, [Self.event(1, .int64(5))], availableFrom: 900).status == .nullValue)
        #expect(
            Self.one(.sum, .int64, [Self.event(950, .int64(5))], availableFrom: 950)
                == OracleAnswer(value: .int64(5), status: .partial, newest: 950)
        )
    }

    @Test func zeroSumsArePositive() {
        let events = [Self.event(950, .float64(-0.5)), Self.event(960, .float64(0.5), offset: 1)]
        #expect(Self.one(.sum, .float64, events) == OracleAnswer(value: .float64(0), status: .present, newest: 960))
        #expect(Self.one(.mean, .float64, events) == OracleAnswer(value: .float64(0), status: .present, newest: 960))
    }

    @Test func tiesGoByPositionNotByArrival() {
        let events = [
            Self.event(950, .string("c"), arrival: 1, partition: 1, offset: 0),
            Self.event(950, .string("b"), arrival: 2, partition: 0, offset: 9),
            Self.event(950, .string("a"), arrival: 3, partition: 0, offset: 2),
            Self.event(950, .null, arrival: 4, partition: 2, offset: 5),
        ]
        #expect(Self.one(.last, .string, events).value == .string("c"))
        #expect(Self.one(.first, .string, events).value == .string("a"))
        #expect(Self.one(.first, .string, events, knownAt: 2).value == .string("b"))
        #expect(Self.one(.last, .string, events, knownAt: 0).status == .notFound)
    }
}
