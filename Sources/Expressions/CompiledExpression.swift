public import FeatureModel

/// An expression over typed inputs, ready to run. A value: any number of evaluators may run it at once.
public struct CompiledExpression: Sendable {
    /// See `ParsedExpression.canonicalText`.
    public let canonicalText: String
    /// The indices, in the scope, of the inputs that it reads; ascending.
    public let inputs: [Int]
    let program: Program

    public var resultType: ValueType { program.resultType }
}

/// How a row's result came about. Raw values are those of the evaluator's state bytes; smaller ones give way to larger.
@frozen
public enum ExpressionOutcome: UInt8, Hashable, Sendable {
    case value = 0
    case null = 1
    /// The value does not fit its type: an int64 beyond 64 bits, a float64 that is not finite, a made string beyond
    /// 64 KiB.
    case overflow = 2
}

/// A single result, for the cold paths.
public enum ExpressionResult: Hashable, Sendable {
    /// May be `.null`.
    case value(FeatureValue)
    case overflow
}
