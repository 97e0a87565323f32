import FeatureModel
import FeatureTesting
import Testing
import Windowing

/// Attributes against the oracle, and beside them windows over the same events, which must not count tombstones.
@Suite struct AttributeTests {
    /// Values, then the mark of a filter, then the mark that tombstones lack.
    static let types: [ValueType] = [.int64, .string, .float64, .bool, .bool]
    static let filter = 3
    static let live = 4

    /// An event as a source with tombstones stores it: nothing but the filter's mark is left of a tombstone.
    static func stored(_ event: OracleEvent, isTombstone: Bool) -> OracleEvent {
        var event = event
        event.values[live] = isTombstone ? .null : .bool(true)
        if isTombstone { event.values.replaceSubrange(0...filter, with: [.null, .null, .null, .bool(false)]) }
        return event
    }

    static func planned(_ attribute: OracleAttribute) -> PlannedAttribute {
        PlannedAttribute(
            column: (attribute.column, types[attribute.column]),
            filter: attribute.filter,
            live: attribute.live,
            maxAge: attribute.maxAge,
            availableFrom: attribute.availableFrom.map { Instant(microseconds: $0) } ?? .distantPast
        )
    }

    /// Reads windows and attributes in one plan.
    struct Reader {
        let queries: [OracleQuery]
        let attributes: [OracleAttribute]
        private let plan: WindowPlan
        private let cells: FeatureCells
        private let types: [ValueType]

        init(_ queries: [OracleQuery], _ attributes: [OracleAttribute], live: Int?, layout: TileLayout? = nil) {
            self.queries = queries
            self.attributes = attributes
            types = AttributeTests.types
            let windows = queries.map { query in
                var planned = query.planned(AttributeTests.types)
                planned.live = live
                return planned
            }
            plan = WindowPlan(windows, attributes: attributes.map(AttributeTests.planned), layout: layout)
            cells = FeatureCells(capacity: plan.count)
        }

        func answers(_ events: EntityEvents, _ asOf: Int64, _ knownAt: Int64, _ boundary: Boundary) -> [OracleAnswer] {
            // To any cells: here in reverse, so that a plan that ignores `outputs` is found out.
            let outputs = (0..<plan.count).map { Int32(plan.count - 1 - $0) }
            cells.reserve(plan.count)
            plan.evaluate(
                events,
                asOf: Instant(microseconds: asOf),
                knownAt: Instant(microseconds: knownAt),
                boundary: boundary,
                into: cells,
                outputs: outputs
            )
            let result = queries.map { $0.resultType(types) } + attributes.map { .single(types[$0.column]) }
            return result.enumerated().map { index, type in
                let cell = plan.count - 1 - index
                let newest = cells.eventTimes[cell]
                return OracleAnswer(
                    value: cells.value(cell, type: type),
                    status: cells.status(cell) ?? .outsideRetention,
                    newest: newest == .min ? nil : newest
                )
            }
        }

        func expected(_ events: [OracleEvent], _ asOf: Int64, _ knownAt: Int64, _ boundary: Boundary) -> [OracleAnswer]
        {
            queries.map { NaiveOracle.value(events, $0, asOf: asOf, knownAt: knownAt, edge: boundary.edge) }
                + attributes.map { NaiveOracle.value(events, $0, asOf: asOf, knownAt: knownAt, edge: boundary.edge) }
        }

        /// The first difference is an issue.
        func agrees(
            _ built: EventsBuilder,
            _ events: [OracleEvent],
            _ asOf: Int64,
            _ knownAt: Int64,
            _ boundary: Boundary,
            _ hint: String
        ) -> Bool {
            let found = answers(built.events, asOf, knownAt, boundary)
            let wanted = expected(events, asOf, knownAt, boundary)
            guard let index = found.indices.first(where: { found[$0] != wanted[$0] }) else { return true }
            let what = index < queries.count ? "\(queries[index])" : "\(attributes[index - queries.count])"
            Issue.record(
                "\(hint): \(what) at T \(asOf), K \(knownAt), \(boundary.name): \(found[index]), oracle \(wanted[index]); times \(events.map(\.time))"
            )
            return false
        }
    }

    // MARK: Random streams

    static func attributes(_ unit: Int64, _ hasTombstones: Bool, _ random: inout SplitMix64) -> [OracleAttribute] {
        (0..<Int.random(in: 1...8, using: &random)).map { _ in
            OracleAttribute(
                column: Int.random(in: 0...2, using: &random),
                filter: Bool.random(using: &random) ? filter : nil,
                live: hasTombstones ? live : nil,
                maxAge: [nil, unit, 7 * unit, 300 * unit].randomElement(using: &random) ?? nil,
                availableFrom: random.oneIn(3) ? Int64.random(in: 0...2000, using: &random) * unit : nil
            )
        }
    }

    @Test(arguments: TestSeeds.list(120))
    func randomStreams(seed: UInt64) { _ = Self.compare(seed) }

    /// What the seeds compare is worth something: every status, many times.
    @Test func everyStatusIsCompared() {
        var tally: [FeatureStatus: Int] = [:]
        for seed in UInt64(20_001)...20_060 { tally.merge(Self.compare(seed)) { $0 + $1 } }
        for status in [.present, .nullValue, .notFound, .outsideMaxAge, .partial] as [FeatureStatus] {
            #expect(tally[status, default: 0] >= 500, "\(status): \(tally)")
        }
    }

    /// - Returns: how often attributes had each status, up to the first difference, which is an issue.
    private static func compare(_ seed: UInt64) -> [FeatureStatus: Int] {
        var tally: [FeatureStatus: Int] = [:]
        var random = SplitMix64(seed: seed)
        let unit: Int64 = [1, 1_000_000].randomElement(using: &random) ?? 1
        let hasTombstones = !random.oneIn(4)
        let shape = SeededStream.Shape(
            types: Self.types,
            start: 0,
            span: 2000 * unit,
            // Coarse grains make ties, which positions must decide.
            grain: [1, unit, 20 * unit, 500 * unit].randomElement(using: &random) ?? 1,
            nullsOneIn: Int.random(in: 2...5, using: &random)
        )
        var stream = SeededStream(shape, seed: seed)
        let deleteOneIn = Int.random(in: 2...12, using: &random)
        let events = (0..<Int.random(in: 0...200, using: &random)).map { _ in
            let event = stream.next(arrival: Int64.random(in: 0..<20, using: &random)).event
            return Self.stored(event, isTombstone: hasTombstones && random.oneIn(deleteOneIn))
        }
        let tree = TreeShape(
            leafEvents: Int.random(in: 2...8, using: &random),
            children: Int.random(in: 3...5, using: &random)
        )
        let built = EventsBuilder(events, types: Self.types, shape: random.oneIn(4) ? .standard : tree)
        let windows = Self.windows(unit, hasTombstones)
        for _ in 0..<4 {
            let attributes = Self.attributes(unit, hasTombstones, &random)
            let reader = Reader(windows, attributes, live: hasTombstones ? Self.live : nil)
            for _ in 0..<12 {
                var asOf = OracleTests.instant(events, shape, unit, &random)
                // At exactly the greatest age, and a microsecond to either side.
                if random.oneIn(2), let event = events.randomElement(using: &random),
                    let maxAge = attributes.compactMap(\.maxAge).randomElement(using: &random)
                {
                    asOf = event.time + maxAge + Int64.random(in: -1...1, using: &random)
                }
                let knownAt = random.oneIn(3) ? Int64.max : Int64.random(in: -1...20, using: &random)
                for boundary in Boundary.allCases {
                    guard reader.agrees(built, events, asOf, knownAt, boundary, TestSeeds.hint(seed)) else {
                        return tally
                    }
                    for answer in reader.expected(events, asOf, knownAt, boundary).suffix(attributes.count) {
                        tally[answer.status, default: 0] += 1
                    }
                }
            }
        }
        return tally
    }

    /// Windows for which tombstones do not count. The oracle knows that as a filter.
    static func windows(_ unit: Int64, _ hasTombstones: Bool) -> [OracleQuery] {
        let filter = hasTombstones ? live : nil
        return [
            OracleQuery(function: .count, column: nil, length: 100 * unit, filter: filter),
            OracleQuery(function: .count, column: nil, length: nil, filter: filter),
            OracleQuery(function: .count, column: nil, length: nil, newest: 3, filter: filter),
            OracleQuery(function: .sum, column: 0, length: nil, filter: filter),
            OracleQuery(function: .last, column: 1, length: nil, newest: 4, filter: filter),
            OracleQuery(function: .timeSinceLast, column: nil, length: nil, filter: filter),
            OracleQuery(function: .count, column: nil, length: 50 * unit, series: 3, filter: filter),
        ]
    }

    // MARK: The small world

    /// Every stream of up to 3 events over 4 instants, each an upsert, one of nulls, one that the filter leaves out, or a
    /// delete, in every order of arrival; read at every T and K, by both boundary rules, at every edge of two ages. Of
    /// streams of 3 an eighth, unless tests run whole.
    @Test func everySmallStream() {
        let kinds: [(values: [FeatureValue], isTombstone: Bool)] = [
            ([.int64(1), .string("a"), .float64(0.5), .bool(true), .bool(true)], false),
            ([.null, .null, .null, .bool(true), .bool(true)], false),
            ([.int64(2), .null, .float64(1.5), .null, .bool(true)], false),
            ([.null, .null, .null, .null, .null], true),
        ]
        var attributes: [OracleAttribute] = []
        for filter in [nil, Self.filter] {
            for maxAge in [nil, 1, 2] as [Int64?] {
                attributes.append(OracleAttribute(column: 0, filter: filter, live: Self.live, maxAge: maxAge))
            }
            attributes.append(OracleAttribute(column: 1, filter: filter, live: Self.live, availableFrom: 2))
        }
        let reader = Reader(Self.windows(1, true), attributes, live: Self.live)
        var streams = 0
        let choices = 4 * kinds.count
        for count in 0...3 {
            let stride = count == 3 && !TestSeeds.isLong ? 8 : 1
            for number in 0..<(0..<count).reduce(1, { total, _ in total * choices }) / stride {
                // One of each eight, another one each time.
                var rest = number * stride + number / choices % stride
                let events = (0..<count).map { index in
                    defer { rest /= choices }
                    let (time, kind) = (rest % choices / kinds.count, kinds[rest % kinds.count])
                    let event = OracleEvent(
                        time: Int64(time),
                        arrival: Int64(index) + 1,
                        // Offsets fall as arrivals rise: position must never stand in for arrival.
                        position: OracleEvent.Place(offset: Int64(10 - index)),
                        values: kind.values
                    )
                    return Self.stored(event, isTombstone: kind.isTombstone)
                }
                let built = EventsBuilder(events, types: Self.types, shape: TreeShape(leafEvents: 2, children: 3))
                streams += 1
                for asOf in Int64(-1)...7 {
                    for knownAt in Int64(0)...Int64(count) {
                        for boundary in Boundary.allCases {
                            guard reader.agrees(built, events, asOf, knownAt, boundary, "\(events.map(\.values))")
                            else { return }
                        }
                    }
                }
            }
        }
        #expect(streams == 1 + 16 + 256 + (TestSeeds.isLong ? 4096 : 512))
    }

    // MARK: By hand

    private static func event(_ time: Int64, _ value: FeatureValue, offset: Int64, isTombstone: Bool = false)
        -> OracleEvent
    {
        stored(
            OracleEvent(
                time: time,
                arrival: 0,
                position: OracleEvent.Place(offset: offset),
                values: [value, .null, .null, .null, .null]
            ),
            isTombstone: isTombstone
        )
    }

    private static func one(_ events: [OracleEvent], _ attribute: OracleAttribute, asOf: Int64, _ boundary: Boundary)
        -> OracleAnswer
    {
        let built = EventsBuilder(events, types: types)
        return Reader([], [attribute], live: live).answers(built.events, asOf, .max, boundary)[0]
    }

    @Test(arguments: Boundary.allCases)
    func theGreatestAgeStillCounts(boundary: Boundary) {
        let events = [Self.event(1000, .int64(7), offset: 0)]
        let attribute = OracleAttribute(column: 0, live: Self.live, maxAge: 100)
        func at(_ asOf: Int64) -> OracleAnswer { Self.one(events, attribute, asOf: asOf, boundary) }
        let present = OracleAnswer(value: .int64(7), status: .present, newest: 1000)
        #expect(at(1099) == present)
        #expect(at(1100) == present, "T - event time = max_age")
        #expect(at(1101) == OracleAnswer(value: .null, status: .outsideMaxAge, newest: 1000))
        #expect(at(.max).status == .outsideMaxAge)
        #expect(
            at(1000) == (boundary == .inclusive ? present : OracleAnswer(value: .null, status: .notFound, newest: nil))
        )
        #expect(at(.min).status == .notFound)
    }

    @Test func aVersionIsAWholeRow() {
        let events = [Self.event(1, .int64(7), offset: 0), Self.event(2, .null, offset: 1)]
        let attribute = OracleAttribute(column: 0, live: Self.live)
        #expect(
            Self.one(events, attribute, asOf: 5, .strict) == OracleAnswer(value: .null, status: .nullValue, newest: 2),
            "an older value does not shine through"
        )
        #expect(Self.one(events, attribute, asOf: 2, .strict).value == .int64(7))
    }

    @Test func aDeleteIsAVersion() {
        let events = [
            Self.event(1, .int64(7), offset: 0), Self.event(5, .null, offset: 1, isTombstone: true),
            Self.event(9, .int64(8), offset: 2),
        ]
        let attribute = OracleAttribute(column: 0, filter: nil, live: Self.live)
        #expect(Self.one(events, attribute, asOf: 5, .strict).value == .int64(7), "reads before it still answer")
        #expect(Self.one(events, attribute, asOf: 5, .inclusive).status == .notFound)
        #expect(Self.one(events, attribute, asOf: 9, .strict).status == .notFound)
        #expect(Self.one(events, attribute, asOf: 10, .strict).value == .int64(8))
    }

    @Test func whatStandsAboveWhat() {
        let events = [Self.event(100, .null, offset: 0)]
        func status(maxAge: Int64?, from: Int64?) -> FeatureStatus {
            let attribute = OracleAttribute(column: 0, live: Self.live, maxAge: maxAge, availableFrom: from)
            return Self.one(events, attribute, asOf: 200, .strict).status
        }
        #expect(status(maxAge: 50, from: 150) == .outsideMaxAge)
        #expect(status(maxAge: nil, from: 150) == .partial)
        #expect(status(maxAge: nil, from: 100) == .nullValue)
        #expect(Self.one([], OracleAttribute(column: 0, availableFrom: 5), asOf: 9, .strict).status == .notFound)
    }

    /// An attribute of a busy entity reads no tile, and with a filter only counts: a plan without windows has no states.
    @Test func aPlanOfAttributesHoldsLittle() {
        let plain = TileLayout([], [Self.planned(OracleAttribute(column: 0, live: Self.live))])
        let filtered = TileLayout([], [Self.planned(OracleAttribute(column: 0, filter: Self.filter, live: Self.live))])
        let events = (0..<5000).map { Self.event(Int64($0), .int64(Int64($0)), offset: Int64($0)) }
        let built = EventsBuilder(events, types: Self.types)
        let before = built.events.byteCount
        for (layout, filter) in [(plain, nil), (filtered, Self.filter)] as [(TileLayout, Int?)] {
            let attribute = OracleAttribute(column: 0, filter: filter, live: Self.live)
            let reader = Reader([], [attribute], live: Self.live, layout: layout)
            #expect(reader.agrees(built, events, 4000, .max, .strict, "busy"))
            if filter == nil { #expect(built.events.byteCount == before) }
        }
    }
}
