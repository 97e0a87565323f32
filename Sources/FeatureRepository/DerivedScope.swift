// What the expressions of an on-demand feature view may name:
//
//   request.amount                  a request value
//   customer_purchases.count_7d     a feature of a source
//   count_7d                        the same, where no other source has a feature of that name

import Expressions
import FeatureModel

struct DerivedScope {
    /// What each input of `names` stands for.
    let inputs: [DerivedInput]
    let names: ExpressionScope
    /// False when a source or a request value could not be read, so that a name may be missing.
    let isWhole: Bool

    /// - Parameters:
    ///   - sources: each view with its source of events.
    ///   - siblings: the features of the on-demand view itself, `view`, which its expressions may not read.
    init(
        request: [Field],
        sources: [(view: ReadView, source: Source?)],
        siblings: [String],
        of view: String?,
        isWhole: Bool
    ) {
        var isWhole = isWhole
        var inputs = request.map {
            let qualifier = OnDemandFeatureView.requestQualifier
            return DerivedInput(qualifier: qualifier, name: $0.name, type: $0.type, origin: .request)
        }
        var refusals: [ExpressionName: String] = [:]
        for sibling in siblings {
            let problem =
                "'\(sibling)' is a derived feature; derived features are made of features of feature views only"
            refusals[ExpressionName(sibling)] = problem
            if let view { refusals[ExpressionName(qualifier: view, sibling)] = problem }
        }
        // By bare name, who has such a feature.
        var owners: [String: [(view: String, type: FeatureType)]] = [:]
        var bareNames: [String] = []
        for (read, source) in sources {
            isWhole = isWhole && read.isWhole && source != nil
            for aggregation in read.view.aggregations {
                guard let source, let type = read.view.type(of: aggregation, over: source) else {
                    isWhole = false
                    continue
                }
                let feature = FeatureReference(view: read.view.name, feature: aggregation.name)
                if owners[feature.feature] == nil { bareNames.append(feature.feature) }
                owners[feature.feature, default: []].append((feature.view, type))
                Self.add(feature, type, as: feature.view, &inputs, &refusals)
            }
        }
        for name in bareNames {
            let owners = owners[name] ?? []
            guard owners.count == 1 else {
                let views = owners.map { "'\($0.view)'" }.prefix(3).joined(separator: ", ")
                let written = ExpressionName(qualifier: owners[0].view, name)
                refusals[ExpressionName(name)] =
                    "'\(name)' is a feature of several sources (\(views)); write \(written), for example"
                continue
            }
            let feature = FeatureReference(view: owners[0].view, feature: name)
            Self.add(feature, owners[0].type, as: nil, &inputs, &refusals)
        }
        self.isWhole = isWhole
        self.inputs = inputs
        names = ExpressionScope(
            inputs.map { ExpressionScope.Input(ExpressionName(qualifier: $0.qualifier, $0.name), $0.type) },
            refusals: refusals
        )
    }

    private static func add(
        _ feature: FeatureReference,
        _ type: FeatureType,
        as qualifier: String?,
        _ inputs: inout [DerivedInput],
        _ refusals: inout [ExpressionName: String]
    ) {
        let name = ExpressionName(qualifier: qualifier, feature.feature)
        refusals[name] = nil
        if let single = type.single {
            inputs.append(
                DerivedInput(qualifier: qualifier, name: feature.feature, type: single, origin: .feature(feature))
            )
        } else {
            refusals[name] = "'\(feature)' is \(type.name); an expression takes single values"
        }
    }
}
