// The parameters of an aggregate function: which it takes, which it needs, what they may be.

import FeatureModel

extension FunctionParameters {
    /// Every parameter, in the order in which messages list them.
    static let keys = ["n", "percentile", "accuracy", "precision", "half_life", "max_distinct", "max_groups"]
}

extension AggregateFunction {
    /// The parameters that a function takes; those that it cannot do without stand first.
    fileprivate var parameterKeys: (needed: [String], optional: [String]) {
        switch self {
        case .firstN, .lastN, .firstDistinctN, .lastDistinctN: (["n"], [])
        case .topK: (["n"], ["max_distinct"])
        case .countDistinct, .histogram: ([], ["max_distinct"])
        case .approxCountDistinct: ([], ["precision"])
        case .approxPercentile: (["percentile"], ["accuracy"])
        case .decayedSum, .decayedCount: (["half_life"], [])
        default: ([], [])
        }
    }
}

extension RepositoryReader {
    /// Reads the parameters of a function; what it does not take, and what it lacks, is reported.
    func readParameters(of function: AggregateFunction?, _ map: MapReader) -> FunctionParameters {
        var parameters = FunctionParameters()
        guard let function else { return parameters }
        var (needed, optional) = function.parameterKeys
        if map["group_by"] != nil { optional = Array(Set(optional + ["max_distinct", "max_groups"])).sorted() }
        for key in FunctionParameters.keys where !needed.contains(key) && !optional.contains(key) {
            guard let value = map[key] else { continue }
            let takes = (needed + optional).joined(separator: ", ")
            let hint =
                key == "max_groups"
                ? "; it goes with 'group_by'" : takes.isEmpty ? "" : "; it takes \(takes)"
            diagnostics.add(value.location, "'\(function.rawValue)' takes no '\(key)'" + hint)
        }
        for key in needed where map[key] == nil {
            diagnostics.add(map.location, "'\(function.rawValue)' needs '\(key)'")
        }
        let taken = needed + optional
        if taken.contains("n") { parameters.n = wholeNumber("n", in: FunctionParameters.nRange, map) }
        if taken.contains("percentile") { parameters.percentile = number("percentile", in: 0...1, "0.95", map) }
        if taken.contains("accuracy") {
            parameters.accuracy = number("accuracy", in: FunctionParameters.accuracyRange, "0.01", map)
        }
        if taken.contains("precision") {
            parameters.precision = wholeNumber("precision", in: FunctionParameters.precisionRange, map)
        }
        if taken.contains("half_life") {
            parameters.halfLife = map.parsed("half_life", expected: "a duration from 1m to 3652d such as 7d") {
                duration(in: $0).flatMap { FunctionParameters.halfLifeRange.contains($0) ? $0 : nil }
            }
        }
        if taken.contains("max_distinct") {
            parameters.maxDistinct = wholeNumber("max_distinct", in: FunctionParameters.maxDistinctRange, map)
        }
        if taken.contains("max_groups") {
            parameters.maxGroups = wholeNumber("max_groups", in: FunctionParameters.maxGroupsRange, map)
        }
        return parameters
    }

    private func wholeNumber(_ key: String, in range: ClosedRange<Int>, _ map: MapReader) -> Int? {
        map.parsed(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            FeatureRepository.wholeNumber(in: $0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    private func number(_ key: String, in range: ClosedRange<Double>, _ example: String, _ map: MapReader) -> Double? {
        map.parsed(key, expected: "a number from \(range.lowerBound) to \(range.upperBound) such as \(example)") {
            Double($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}
