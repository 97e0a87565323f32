// What the expressions of an on-demand feature view may name:
//
//   request.amount                  a request value
//   customer_purchases.count_7d     a feature of a source
//   count_7d                        the same, where no other source has a feature of that name
//
// Names are looked up as expressions use them: sources may have many thousand features, and most are never named.

import Expressions
import FeatureModel

/// The features of a view with their types.
struct ViewFeatures {
    let view: String
    private(set) var names: [String] = []
    private(set) var types: [String: FeatureType] = [:]
    /// False when a feature could not be read.
    private(set) var isWhole: Bool

    init(_ read: ReadView, over source: Source?) {
        view = read.view.name
        isWhole = read.isWhole && source != nil
        guard let source else { return }
        for (name, type) in Self.features(of: read, over: source) {
            guard let type else {
                isWhole = false
                continue
            }
            names.append(name)
            types[name] = type
        }
    }

    private static func features(of read: ReadView, over source: Source) -> [(name: String, type: FeatureType?)] {
        switch read.definition {
        case .features(let view): view.aggregations.map { ($0.name, view.type(of: $0, over: source)) }
        case .attributes(let view):
            view.attributes.map { ($0.name, view.type(of: $0, over: source).map(FeatureType.single)) }
        }
    }
}

struct DerivedScope {
    let request: [Field]
    let sources: [ViewFeatures]
    /// The on-demand view's own name and features, which its expressions may not read.
    let view: String?
    let siblings: Set<String>
    /// False when a source or a request value could not be read, so that a name may be missing.
    let isWhole: Bool

    /// The names of one expression, resolved.
    struct Resolved {
        /// In the order of the names.
        var inputs: [DerivedInput] = []
        var refusals: [ExpressionName: String] = [:]
        /// Whether there is a name of which nothing is known.
        var hasUnknown = false

        /// For the expression's compilation, which says what is wrong at the place of the name.
        var scope: ExpressionScope {
            ExpressionScope(
                inputs.map { .init(ExpressionName(qualifier: $0.qualifier, $0.name), $0.type) },
                refusals: refusals
            )
        }
    }

    func resolve(_ names: [ExpressionName]) -> Resolved {
        var resolved = Resolved()
        for name in names {
            switch lookUp(name) {
            case .input(let input): resolved.inputs.append(input)
            case .refused(let problem): resolved.refusals[name] = problem
            case .unknown:
                resolved.hasUnknown = true
                resolved.refusals[name] = "unknown name '\(name)'\(hint(for: name))"
            }
        }
        return resolved
    }

    private enum Answer {
        case input(DerivedInput)
        case refused(String)
        case unknown
    }

    private func lookUp(_ name: ExpressionName) -> Answer {
        if name.qualifier == OnDemandFeatureView.requestQualifier {
            guard let field = request.first(where: { $0.name == name.name }) else { return .unknown }
            return .input(
                DerivedInput(qualifier: name.qualifier, name: name.name, type: field.type, origin: .request)
            )
        }
        let owners = sources.filter {
            (name.qualifier == nil || name.qualifier == $0.view) && $0.types[name.name] != nil
        }
        guard let owner = owners.first, let type = owner.types[name.name] else {
            guard siblings.contains(name.name), name.qualifier == nil || name.qualifier == view else { return .unknown }
            return .refused(
                "'\(name)' is a derived feature; derived features are made of features of feature views only"
            )
        }
        guard owners.count == 1 else {
            let views = owners.map { "'\($0.view)'" }.prefix(3).joined(separator: ", ")
            let written = ExpressionName(qualifier: owner.view, name.name)
            return .refused("'\(name)' is a feature of several sources (\(views)); write \(written), for example")
        }
        let feature = FeatureReference(view: owner.view, feature: name.name)
        guard let single = type.single else {
            return .refused("'\(feature)' is \(type.name); an expression takes single values")
        }
        return .input(
            DerivedInput(qualifier: name.qualifier, name: name.name, type: single, origin: .feature(feature))
        )
    }

    private func hint(for name: ExpressionName) -> String {
        // Only what stands before the dot is missing or wrong.
        if request.contains(where: { $0.name == name.name }) {
            return "; did you mean '\(written(request: name.name))'?"
        }
        if let owner = sources.first(where: { $0.types[name.name] != nil }) {
            return "; did you mean '\(ExpressionName(qualifier: owner.view, name.name))'?"
        }
        let bare = sources.lazy.flatMap(\.names).map { ExpressionName($0).description }
        let qualified = sources.lazy.flatMap { source in
            source.names.lazy.map { ExpressionName(qualifier: source.view, $0).description }
        }
        // More than these are not searched.
        let candidates =
            request.map { written(request: $0.name) } + Array(bare.prefix(1000)) + Array(qualified.prefix(1000))
        return FeatureModel.hint(for: name.description, among: candidates, title: "names")
    }

    private func written(request name: String) -> String {
        ExpressionName(qualifier: OnDemandFeatureView.requestQualifier, name).description
    }
}
