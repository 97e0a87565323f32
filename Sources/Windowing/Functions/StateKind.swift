import FeatureModel

/// What a function needs beside a `ColumnAccumulator`, with all that tells two such states apart.
enum StateKind: Hashable, Sendable {
    /// Exact n, Σx and Σx²: the variances and deviations.
    case moments
    case hyperLogLog(precision: Int)
    case quantiles(accuracy: Double)
    /// The values themselves with their counts: exact distinct counts, the most frequent values, histograms.
    case distinct(max: Int)
    case ends(EndForm, limit: Int)
    case decayed(halfLife: Int64, weighsValues: Bool)
    /// The states of each category: `group_by`.
    indirect case groups(Grouping)

    /// Of one category, or of a window without any. nil for functions that a column's everyday state answers.
    init?(_ function: AggregateFunction, _ parameters: FunctionParameters) {
        switch function {
        case .count, .sum, .mean, .min, .max, .first, .last, .timeSinceLast, .timeSinceFirst: return nil
        case .firstN: self = .ends(.first, limit: parameters.n ?? 1)
        case .lastN: self = .ends(.last, limit: parameters.n ?? 1)
        case .firstDistinctN: self = .ends(.firstDistinct, limit: parameters.n ?? 1)
        case .lastDistinctN: self = .ends(.lastDistinct, limit: parameters.n ?? 1)
        case .countDistinct, .topK, .histogram:
            self = .distinct(max: parameters.maxDistinct ?? FunctionParameters.maxDistinctDefault)
        case .approxCountDistinct:
            self = .hyperLogLog(precision: parameters.precision ?? FunctionParameters.precisionDefault)
        case .approxPercentile:
            self = .quantiles(accuracy: parameters.accuracy ?? FunctionParameters.accuracyDefault)
        case .varPop, .varSamp, .stddevPop, .stddevSamp: self = .moments
        case .decayedSum: self = .decayed(halfLife: parameters.halfLife ?? .max, weighsValues: true)
        case .decayedCount: self = .decayed(halfLife: parameters.halfLife ?? .max, weighsValues: false)
        }
    }
}
