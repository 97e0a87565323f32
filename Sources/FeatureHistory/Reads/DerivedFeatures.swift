// The derived features of a catalog, compiled once for all lookups.

import Expressions
import FeatureModel

/// Every derived feature that is applied. A class: plans and readers know by its identity whether they speak of the same
/// one.
final class DerivedFeatures: Sendable {
    struct Compiled: Sendable {
        /// Its place in `expressions`; readers keep an evaluator for each under it.
        var number: Int
        var type: ValueType
        /// In the order in which the expression numbers them.
        var inputs: [DerivedInput]
    }

    /// By number.
    let expressions: [CompiledExpression]
    private let compiled: [FeatureReference: Result<Compiled, StoreError>]

    var count: Int { expressions.count }

    init(_ definition: FeatureStoreDefinition) {
        var expressions: [CompiledExpression] = []
        var compiled: [FeatureReference: Result<Compiled, StoreError>] = [:]
        for view in definition.onDemandFeatureViews {
            for feature in view.features {
                let reference = FeatureReference(view: view.name, feature: feature.name)
                do throws(StoreError) {
                    let expression = try Self.compile(feature, reference)
                    let inputs = expression.inputs.map { feature.inputs[$0] }
                    let type = expression.resultType
                    compiled[reference] = .success(Compiled(number: expressions.count, type: type, inputs: inputs))
                    expressions.append(expression)
                } catch { compiled[reference] = .failure(error) }
            }
        }
        self.expressions = expressions
        self.compiled = compiled
    }

    subscript(reference: FeatureReference) -> Compiled? {
        get throws(StoreError) { try compiled[reference]?.get() }
    }

    /// - Throws: `refused` for an expression that does not compile: definitions that no repository's check has seen.
    func check() throws(StoreError) { for feature in compiled.values { _ = try feature.get() } }

    private static func compile(
        _ feature: DerivedFeature,
        _ reference: FeatureReference
    ) throws(StoreError) -> CompiledExpression {
        let scope = ExpressionScope(
            feature.inputs.map { .init(ExpressionName(qualifier: $0.qualifier, $0.name), $0.type) }
        )
        let expression: CompiledExpression
        do throws(ExpressionMistake) {
            expression = try ParsedExpression(feature.text).compile(in: scope, numbering: .used)
        } catch { throw StoreError(.refused, "derived feature '\(reference)': \(error)") }
        guard expression.resultType == feature.type else {
            let types = "\(expression.resultType.name), not \(feature.type.name)"
            throw StoreError(.refused, "derived feature '\(reference)' is \(types)")
        }
        return expression
    }
}
