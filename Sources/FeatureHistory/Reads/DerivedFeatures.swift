// The derived features of a catalog, compiled once for all lookups.

import Expressions
import FeatureModel

/// Every derived feature that is applied. A class: plans and readers know by its identity whether they speak of the same
/// one.
final class DerivedFeatures: Sendable {
    struct Compiled: Sendable {
        /// Its place among all; readers keep an evaluator for each under it.
        var number: Int
        var expression: CompiledExpression
        /// In the order in which the expression numbers them.
        var inputs: [DerivedInput]
    }

    private let compiled: [FeatureReference: Result<Compiled, StoreError>]

    var count: Int { compiled.count }

    init(_ definition: FeatureStoreDefinition) {
        var compiled: [FeatureReference: Result<Compiled, StoreError>] = [:]
        for view in definition.onDemandFeatureViews {
            for feature in view.features {
                let reference = FeatureReference(view: view.name, feature: feature.name)
                compiled[reference] = Self.compile(feature, reference, number: compiled.count)
            }
        }
        self.compiled = compiled
    }

    subscript(reference: FeatureReference) -> Compiled? {
        get throws(StoreError) { try compiled[reference]?.get() }
    }

    /// - Throws: `refused` for an expression that does not compile: definitions that no repository's check has seen.
    func check() throws(StoreError) { for feature in compiled.values { _ = try feature.get() } }

    private static func compile(
        _ feature: DerivedFeature,
        _ reference: FeatureReference,
        number: Int
    ) -> Result<Compiled, StoreError> {
        let scope = ExpressionScope(
            feature.inputs.map { .init(ExpressionName(qualifier: $0.qualifier, $0.name), $0.type) }
        )
        do throws(ExpressionMistake) {
            let expression = try ParsedExpression(feature.text).compile(in: scope, numbering: .used)
            guard expression.resultType == feature.type else {
                let types = "\(expression.resultType.name), not \(feature.type.name)"
                return .failure(StoreError(.refused, "derived feature '\(reference)' is \(types)"))
            }
            let inputs = expression.inputs.map { feature.inputs[$0] }
            return .success(Compiled(number: number, expression: expression, inputs: inputs))
        } catch {
            return .failure(StoreError(.refused, "derived feature '\(reference)': \(error)"))
        }
    }
}
