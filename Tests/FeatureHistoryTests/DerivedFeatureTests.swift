import Expressions
import FeatureModel
import FeatureTesting
import Testing
import Windowing

@testable import FeatureHistory

/// Derived features against the oracle: its answers for the inputs, and the expressions computed by hand.
@Suite struct DerivedFeatureTests {
    /// What an expression gives by hand.
    enum Result {
        case value(FeatureValue)
        case overflow
    }

    struct Example: Sendable {
        var name: String
        var text: String
        var type: ValueType
        /// Features as `view.feature`; request values as `request.name`.
        var inputs: [(String, ValueType)]
        var compute: @Sendable ([FeatureValue]) -> Result
    }

    static let request = [
        Field(name: "amount", type: .float64), Field(name: "n", type: .int64), Field(name: "word", type: .string),
        Field(name: "flag", type: .bool), Field(name: "seen", type: .timestamp),
    ]

    static let examples: [Example] = [
        Example(
            name: "ratio",
            text: "users.f2 / nullif(users.f0, 0)",
            type: .float64,
            inputs: [("users.f2", .float64), ("users.f0", .int64)]
        ) { inputs in
            guard case .float64(let sum) = inputs[0], case .int64(let count) = inputs[1], count != 0 else {
                return .value(.null)
            }
            return finite(sum / Double(count))
        },
        Example(
            name: "unusual",
            text: "request.amount > 3 * users.f4",
            type: .bool,
            inputs: [("request.amount", .float64), ("users.f4", .float64)]
        ) { inputs in
            // Of an overflow and a null the overflow is the result.
            guard case .float64(let mean) = inputs[1] else { return .value(.null) }
            guard (3 * mean).isFinite else { return .overflow }
            guard case .float64(let amount) = inputs[0] else { return .value(.null) }
            return .value(.bool(amount > 3 * mean))
        },
        Example(
            name: "total",
            text: "users.f7 + cards.f0",
            type: .int64,
            inputs: [("users.f7", .int64), ("cards.f0", .int64)]
        ) { inputs in
            guard case .int64(let a) = inputs[0], case .int64(let b) = inputs[1] else { return .value(.null) }
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? .overflow : .value(.int64(sum))
        },
        Example(
            name: "words",
            text: "coalesce(users.f10, request.word) || '!'",
            type: .string,
            inputs: [("users.f10", .string), ("request.word", .string)]
        ) { inputs in
            for input in inputs { if case .string(let text) = input { return .value(.string(text + "!")) } }
            return .value(.null)
        },
        Example(name: "twice", text: "request.n * 2", type: .int64, inputs: [("request.n", .int64)]) { inputs in
            guard case .int64(let number) = inputs[0] else { return .value(.null) }
            let (product, overflow) = number.multipliedReportingOverflow(by: 2)
            return overflow ? .overflow : .value(.int64(product))
        },
        Example(name: "constant", text: "42", type: .int64, inputs: []) { _ in .value(.int64(42)) },
        Example(name: "always", text: "coalesce(users.f5, 0.0)", type: .float64, inputs: [("users.f5", .float64)]) {
            $0[0] == .null ? .value(.float64(0)) : .value($0[0])
        },
        Example(
            name: "either",
            text: "cards.f3 or request.flag",
            type: .bool,
            inputs: [("cards.f3", .bool), ("request.flag", .bool)]
        ) { inputs in
            if inputs.contains(.bool(true)) { return .value(.bool(true)) }
            return .value(inputs.contains(.null) ? .null : .bool(false))
        },
        Example(
            name: "newer",
            text: "more.f0 > request.seen",
            type: .bool,
            inputs: [("more.f0", .timestamp), ("request.seen", .timestamp)]
        ) { inputs in
            guard case .timestamp(let a) = inputs[0], case .timestamp(let b) = inputs[1] else { return .value(.null) }
            return .value(.bool(a > b))
        },
    ]

    private static func finite(_ number: Double) -> Result {
        number.isFinite ? .value(.float64(number + 0)) : .overflow
    }

    static func view(isGrown: Bool) -> OnDemandFeatureView {
        let features = examples.filter { isGrown || $0.name != "newer" }.map { example in
            DerivedFeature(
                name: example.name,
                text: example.text,
                type: example.type,
                inputs: example.inputs.map { name, type in
                    let parts = name.split(separator: ".").map(String.init)
                    let feature = FeatureReference(view: parts[0], feature: parts[1])
                    let origin = parts[0] == "request" ? DerivedInput.Origin.request : .feature(feature)
                    return DerivedInput(qualifier: parts[0], name: parts[1], type: type, origin: origin)
                }
            )
        }
        let sources = ["users", "cards"] + (isGrown ? ["more"] : [])
        return OnDemandFeatureView(name: "derived", sources: sources, request: request, features: features)
    }

    /// The statuses of docs/semantics.md, in its order.
    static func answer(_ inputs: [OracleAnswer], _ result: Result) -> OracleAnswer {
        let newest = inputs.compactMap(\.newest).max()
        func none(_ status: FeatureStatus) -> OracleAnswer {
            OracleAnswer(value: .null, status: status, newest: newest)
        }
        let statuses = inputs.map(\.status)
        if statuses.contains(.outsideRetention) { return none(.outsideRetention) }
        let isNotFound = !statuses.isEmpty && statuses.allSatisfy { $0 == .notFound }
        if !isNotFound, statuses.contains(.overflow) { return none(.overflow) }
        guard case .value(let value) = result else { return none(isNotFound ? .notFound : .overflow) }
        if isNotFound { return OracleAnswer(value: value, status: .notFound, newest: newest) }
        if statuses.contains(.partial) { return OracleAnswer(value: value, status: .partial, newest: newest) }
        return OracleAnswer(value: value, status: value == .null ? .nullValue : .present, newest: newest)
    }

    static func randomRequest(_ random: inout SplitMix64) -> [FeatureValue] {
        let values: [FeatureValue] = [
            .float64([0, -2.5, 1e300, 1e3].randomElement(using: &random) ?? 0),
            .int64([3, -4, Int64.max].randomElement(using: &random) ?? 0),
            .string(["", "Zürich", String(repeating: "é", count: 300)].randomElement(using: &random) ?? ""),
            .bool(random.oneIn(2)), .timestamp(Instant(microseconds: World.start)),
        ]
        return values.map { random.oneIn(4) ? .null : $0 }
    }

    static func fill(_ values: inout RequestValues, _ rows: [[FeatureValue]], _ fields: [Field]) {
        values.begin(fieldCount: fields.count)
        for row in rows {
            for field in fields {
                let place = request.firstIndex(of: field) ?? 0
                switch row[place] {
                case .null, .list, .map: values.appendNull()
                case .int64(let number): values.append(number)
                case .float64(let number): values.append(number)
                case .string(let text): values.append(utf8: text.utf8)
                case .bool(let flag): values.append(flag ? 1 : 0 as Int64)
                case .timestamp(let instant): values.append(instant.microseconds)
                }
            }
        }
    }

    private static func references(isGrown: Bool, _ random: inout SplitMix64) -> [FeatureReference] {
        var references = view(isGrown: isGrown).features.map { FeatureReference(view: "derived", feature: $0.name) }
        // Some inputs are asked for as well, before or behind.
        references += ["f0", "f2", "f9"].map { FeatureReference(view: "users", feature: $0) }
        return references.shuffled(using: &random)
    }

    @Test(arguments: TestSeeds.list(12))
    func agreesWithTheOracle(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var stream = RecordStream(seed: seed, isExtreme: seed % 2 == 0)
        let world = try TestStore()
        var isGrown = false
        try world.applyDerived()
        var seen: Set<FeatureStatus> = []
        for round in 0..<24 {
            world.clock.advance(by: 1000)
            try world.commit(stream.next(Int.random(in: 1...30, using: &random)))
            if round == 10 {
                try world.grow()
                try world.applyDerived()
                isGrown = true
            }
            if round % 5 == 4 { try world.store.fold() }
            if round % 7 == 6 { world.store.evictAll() }
            let references = Self.references(isGrown: isGrown, &random)
            let plan = try LookupPlan(references, in: world.store.catalog)
            let rows = (0..<3).map { _ in Self.randomRequest(&random) }
            Self.fill(&world.scratch.request, rows, plan.request)
            for row in rows.indices {
                let user = Int64.random(in: 0...7, using: &random)
                let card = Int64.random(in: 0...5, using: &random)
                let point = stream.point(world.arrivals)
                let found = try world.read(plan, user, card, point, row: row)
                let stored = world.answers(user, card, point)
                for (cell, reference) in references.enumerated() {
                    guard let example = Self.examples.first(where: { $0.name == reference.feature }) else { continue }
                    seen.insert(found[cell].status)
                    let wanted = Self.expected(example, stored, rows[row])
                    #expect(
                        found[cell] == wanted,
                        "\(example.text) of \(rows[row]) for (\(user), \(card)) at \(point); \(TestSeeds.hint(seed))"
                    )
                }
            }
        }
        #expect(seen.isSuperset(of: [.present, .nullValue]), "\(TestSeeds.hint(seed))")
    }

    private static func expected(
        _ example: Example,
        _ stored: [String: OracleAnswer],
        _ request: [FeatureValue]
    ) -> OracleAnswer {
        var inputs: [OracleAnswer] = []
        let values = example.inputs.map { name, _ -> FeatureValue in
            if let place = Self.request.firstIndex(where: { "request.\($0.name)" == name }) { return request[place] }
            guard let answer = stored[name] else { return .null }
            inputs.append(answer)
            return answer.value
        }
        return answer(inputs, example.compute(values))
    }

    /// Every set of statuses of up to three inputs, also those that no window has: by the list, one after the other.
    @Test func statusesFollowThePrecedence() {
        let bytes: [(FeatureStatus, Bool)] = FeatureStatus.allCases.flatMap { [($0, true), ($0, false)] }
        let none: [[(FeatureStatus, Bool)]] = [[]]
        let sets =
            none + bytes.map { [$0] } + bytes.flatMap { a in bytes.map { [a, $0] } }
            + bytes.flatMap { a in bytes.flatMap { b in bytes.map { [a, b, $0] } } }
        for set in sets {
            for outcome in [Result.value(.int64(1)), .value(.null), .overflow] {
                var statuses = InputStatuses()
                for (status, hasValue) in set {
                    let sees = statuses.take(status.rawValue | (hasValue ? FeatureCells.hasValue : 0))
                    #expect(sees == (hasValue && status != .outsideMaxAge))
                }
                let wanted = Self.answer(set.map { OracleAnswer(value: .null, status: $0.0, newest: nil) }, outcome)
                let found: FeatureStatus =
                    switch outcome {
                    case .overflow: statuses.withoutEvaluation ?? statuses.status(.overflow)
                    case .value(.null): statuses.withoutEvaluation ?? statuses.status(.null)
                    case .value: statuses.withoutEvaluation ?? statuses.status(.value)
                    }
                #expect(found == wanted.status, "\(set), \(outcome)")
            }
        }
    }

    @Test func unknownNamesAreNamed() throws {
        let world = try TestStore()
        try world.applyDerived()
        func message(_ text: String) throws -> String {
            let reference = try #require(FeatureReference(text))
            let error = #expect(throws: StoreError.self) { try LookupPlan([reference], in: world.store.catalog) }
            return error?.message ?? ""
        }
        #expect(
            try message("derived:raito")
                == "no feature 'raito' in on-demand feature view 'derived'; did you mean 'ratio'?"
        )
        #expect(try message("derivd:ratio") == "no view 'derivd'; did you mean 'derived'?")
    }

    @Test func anExpressionThatNobodyCheckedIsRefused() throws {
        let world = try TestStore()
        for (text, type, part) in [
            ("users.f0 +", ValueType.int64, "derived feature 'derived:x': column"),
            ("users.f0", .string, "derived feature 'derived:x' is int64, not string"),
        ] {
            var definition = World.definition(isGrown: false)
            let input = DerivedInput(
                qualifier: "users",
                name: "f0",
                type: .int64,
                origin: .feature(FeatureReference(view: "users", feature: "f0"))
            )
            let feature = DerivedFeature(name: "x", text: text, type: type, inputs: [input])
            definition.onDemandFeatureViews = [OnDemandFeatureView(name: "derived", features: [feature])]
            let error = #expect(throws: StoreError.self) {
                try world.store.apply(definition, definitionHash: "x", files: [])
            }
            #expect(error?.code == .refused && error?.message.contains(part) == true, "\(String(describing: error))")
        }
    }

    /// A reader goes from one catalog's evaluators to another's, whose numbers mean other features.
    @Test func aReaderOutlivesItsDefinitions() throws {
        let world = try TestStore()
        world.clock.advance(by: 1000)
        try world.applyDerived()
        let constant = FeatureReference(view: "derived", feature: "constant")
        let before = try LookupPlan([constant], in: world.store.catalog)
        #expect(before.joinKeys.isEmpty && before.request.isEmpty)
        let point = ReadPoint(asOf: .distantFuture, knownAt: .distantFuture)
        func value(_ plan: LookupPlan) throws -> FeatureValue {
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            #expect(
                FeatureStore.isKey(none, of: plan)
                    && world.store.readResident(plan, key: none, at: point, world.scratch)
            )
            return world.scratch.cells.value(0, type: .int64)
        }
        #expect(try value(before) == .int64(42))
        var definition = World.definition(isGrown: false)
        let feature = DerivedFeature(name: "constant", text: "7", type: .int64, inputs: [])
        definition.onDemandFeatureViews = [OnDemandFeatureView(name: "derived", features: [feature])]
        try world.store.apply(definition, definitionHash: "x", files: [])
        #expect(try value(LookupPlan([constant], in: world.store.catalog)) == .int64(7))
        #expect(try value(before) == .int64(42))
    }
}

extension TestStore {
    /// The definitions in force, with the derived features.
    fileprivate func applyDerived() throws {
        var definition = World.definition(isGrown: isGrown)
        definition.onDemandFeatureViews = [DerivedFeatureTests.view(isGrown: isGrown)]
        try store.apply(definition, definitionHash: "derived", files: [])
    }

    /// Reads the features of a plan over users, cards or both.
    fileprivate func read(
        _ plan: LookupPlan,
        _ user: Int64,
        _ card: Int64,
        _ point: ReadPoint,
        row: Int
    ) throws -> [OracleAnswer] {
        var key: [UInt8] = []
        for joinKey in plan.joinKeys {
            switch joinKey.name {
            case "user": key += World.userKey(user)
            case "bank": EntityKey.append(card % 3, to: &key)
            default: key += EntityKey.encode([.string("card \(card)")]) ?? []
            }
        }
        try key.withUnsafeBytes { bytes in
            #expect(FeatureStore.isKey(bytes, of: plan))
            guard !store.readResident(plan, key: bytes, at: point, scratch, row: row) else { return }
            try store.read(plan, key: bytes, at: point, scratch, row: row)
        }
        return plan.features.enumerated().map { index, feature in
            let newest = scratch.cells.eventTimes[index]
            return OracleAnswer(
                value: scratch.cells.value(index, type: feature.type),
                status: scratch.cells.status(index) ?? .outsideRetention,
                newest: newest == .min ? nil : newest
            )
        }
    }

    /// The oracle's answers by `view.feature`.
    fileprivate func answers(_ user: Int64, _ card: Int64, _ point: ReadPoint) -> [String: OracleAnswer] {
        let names = store.catalog.definition.featureViews.flatMap { view in
            view.aggregations.map { "\(view.name).\($0.name)" }
        }
        return Dictionary(uniqueKeysWithValues: zip(names, expected(user, card, point)))
    }
}
