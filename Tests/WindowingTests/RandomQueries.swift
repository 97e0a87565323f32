import FeatureModel
import FeatureTesting

/// Queries at random: every function over every column that it takes, with parameters that make answers differ.
struct RandomQueries {
    let types: [ValueType]
    /// Lengths and offsets are these many microseconds times a few.
    let unit: Int64
    let shape: SeededStream.Shape

    /// All functions are equally frequent.
    func next(_ random: inout SplitMix64, _ stream: inout SeededStream) -> OracleQuery {
        let function = AggregateFunction.allCases.randomElement(using: &random) ?? .count
        while true {
            // A function that needs no column has none in every other query.
            let column: Int? =
                function.resultType(of: nil) != nil && random.oneIn(2)
                ? nil : Int.random(in: 0..<types.count, using: &random)
            guard let result = function.resultType(of: column.map { types[$0] }) else { continue }
            var query = OracleQuery(
                function: function,
                parameters: parameters(of: function, &random),
                column: column,
                length: random.oneIn(6) ? nil : length(&random),
                offset: random.oneIn(2) ? 0 : ([1, 10, 100, 1000].randomElement(using: &random) ?? 0) * unit
            )
            if random.oneIn(4), result.single != nil { group(&query, &random) }
            shapeWindow(of: &query, result, &random)
            if random.oneIn(3), query.groupBy == nil, let type = result.single {
                query.defaultValue = stream.value(type)
            }
            if random.oneIn(4) { query.availableFrom = shape.start + Int64.random(in: 0..<shape.span, using: &random) }
            return query
        }
    }

    /// By the categories of any column, with bounds low enough to be met.
    private func group(_ query: inout OracleQuery, _ random: inout SplitMix64) {
        query.groupBy = Int.random(in: 0..<types.count, using: &random)
        query.parameters.maxDistinct = random.oneIn(2) ? nil : [1, 2, 4, 8, 20].randomElement(using: &random)
        query.parameters.maxGroups = random.oneIn(4) ? nil : Int.random(in: 1...6, using: &random)
    }

    /// Now and then the newest events, a series, a filter.
    private func shapeWindow(of query: inout OracleQuery, _ result: FeatureType, _ random: inout SplitMix64) {
        if random.oneIn(4) { query.filter = Int.random(in: 0..<types.count, using: &random) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            query.length = nil
            query.newest = [1, 2, 3, 7, 20, 1000].randomElement(using: &random)
        case 1 where result.single != nil && query.groupBy == nil:
            query.length = ([1, 10, 100, 500].randomElement(using: &random) ?? 1) * unit
            query.series = Int.random(in: 2...5, using: &random)
        default: break
        }
    }

    private func length(_ random: inout SplitMix64) -> Int64 {
        random.oneIn(6) ? .max : ([1, 10, 500, 1000, 1000, 5000, 5000].randomElement(using: &random) ?? 1) * unit
    }

    /// Those with a default are left out now and then.
    func parameters(of function: AggregateFunction, _ random: inout SplitMix64) -> FunctionParameters {
        var parameters = FunctionParameters()
        switch function {
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN: parameters.n = n(&random)
        case .countDistinct, .histogram: parameters.maxDistinct = maxDistinct(&random)
        case .topK:
            parameters.n = n(&random)
            parameters.maxDistinct = maxDistinct(&random)
        case .approxCountDistinct:
            if !random.oneIn(5) {
                parameters.precision = Int.random(in: FunctionParameters.precisionRange, using: &random)
            }
        case .approxPercentile:
            parameters.percentile =
                random.oneIn(2)
                ? Double.random(in: 0...1, using: &random) : [0, 0.5, 0.95, 1].randomElement(using: &random)
            if !random.oneIn(5) {
                let any = Double.random(in: FunctionParameters.accuracyRange, using: &random)
                parameters.accuracy = [0.001, 0.02, 0.0625, 0.1, any].randomElement(using: &random)
            }
        case .decayedSum, .decayedCount: parameters.halfLife = halfLife(&random)
        case .count, .sum, .mean, .min, .max, .first, .last, .varPop, .varSamp, .stddevPop, .stddevSamp,
            .timeSinceLast, .timeSinceFirst:
            break
        }
        return parameters
    }

    private func n(_ random: inout SplitMix64) -> Int { Int.random(in: 1...(random.oneIn(4) ? 20 : 6), using: &random) }

    private func maxDistinct(_ random: inout SplitMix64) -> Int? {
        random.oneIn(3) ? nil : [1, 2, 4, 8, 20].randomElement(using: &random)
    }

    /// From far shorter than a stream to far longer: weights underflow, and are all but equal.
    private func halfLife(_ random: inout SplitMix64) -> Int64 {
        let range = FunctionParameters.halfLifeRange
        let all = [
            1, 7, 1000, range.lowerBound, 3_600_000_000, 2_592_000_000_000, range.upperBound,
            Int64.random(in: range, using: &random),
        ]
        // The oracle writes sums down in full: not one bit more for each microsecond of years.
        return all.filter { $0 >= unit / 4 }.randomElement(using: &random) ?? range.lowerBound
    }
}

/// How many answers of each function were compared.
struct Tally {
    struct Line {
        var answers = 0
        /// Of windows in which some event counted.
        var nonEmpty = 0
        var overflows = 0
    }
    /// With and without categories.
    private struct Kind: Hashable {
        var function: AggregateFunction
        var isGrouped: Bool
    }
    private var lines: [Kind: Line] = [:]

    mutating func add(_ query: OracleQuery, _ answer: OracleAnswer) {
        let kind = Kind(function: query.function, isGrouped: query.groupBy != nil)
        lines[kind, default: Line()].answers += 1
        if answer.newest != nil { lines[kind, default: Line()].nonEmpty += 1 }
        if answer.status == .overflow { lines[kind, default: Line()].overflows += 1 }
    }

    mutating func add(_ other: Tally) {
        for (kind, line) in other.lines {
            lines[kind, default: Line()].answers += line.answers
            lines[kind, default: Line()].nonEmpty += line.nonEmpty
            lines[kind, default: Line()].overflows += line.overflows
        }
    }

    subscript(function: AggregateFunction) -> Line { lines[Kind(function: function, isGrouped: false)] ?? Line() }

    func grouped(_ function: AggregateFunction) -> Line {
        lines[Kind(function: function, isGrouped: true)] ?? Line()
    }
}
