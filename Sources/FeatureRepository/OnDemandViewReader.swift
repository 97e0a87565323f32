// One element of `on_demand_feature_views`.

import Expressions
import FeatureModel

extension RepositoryReader {
    static let onDemandViewKeys = ["name", "sources", "request", "features", "description"]
    static let derivedFeatureCountMax = 1000
    static let viewSourceCountMax = 64

    func readOnDemandView(_ value: YAMLValue) {
        let foreign = [
            "source": "did you mean 'sources'? It lists feature views",
            "entity": "the entities are those of its sources",
            "schema": "values of a request stand under 'request'", "input_request_source": "did you mean 'request'?",
            "aggregations": "aggregations belong in a feature view; expressions stand under 'features'",
            "columns": "expressions stand under 'features'",
        ]
        guard
            let item = DefinitionItem(
                value,
                noun: "on-demand feature view",
                keys: Self.onDemandViewKeys,
                foreign: foreign,
                rule: .identifier,
                diagnostics
            )
        else { return onDemandViews.isComplete = false }
        let map = item.map
        let request = map["request"].map {
            fields(
                $0,
                key: "request",
                noun: "request value",
                types: ValueType.allCases,
                countMax: OnDemandFeatureView.requestCountMax,
                diagnostics
            )
        }
        let sources = readViewSources(map)
        let features = readDerivedFeatures(map) { siblings in
            DerivedScope(
                request: request?.fields ?? [],
                sources: sources.views,
                view: item.name?.value,
                siblings: Set(siblings),
                isWhole: request?.isWhole != false && sources.isWhole && sources.views.allSatisfy(\.isWhole)
            )
        }
        let description = map.descriptionText
        guard let name = item.name else { return onDemandViews.isComplete = false }
        if let first = views[name.value] {
            diagnostics.add(
                name.location,
                "\(name.value.quoted) is already the name of a view, defined at \(first.location); "
                    + "references name both alike, so give this one another name"
            )
        }
        let view = OnDemandFeatureView(
            name: name.value,
            sources: sources.names,
            request: request?.fields ?? [],
            features: features.list,
            description: description
        )
        onDemandViews.add(name, ReadOnDemandView(view: view, isWhole: features.isWhole), diagnostics)
    }

    /// The views whose features may be named; each named once, their join keys of one name of one type.
    private func readViewSources(_ map: MapReader) -> (names: [String], views: [ViewFeatures], isWhole: Bool) {
        guard let value = map["sources"] else { return ([], [], true) }
        guard let list = map.list(value, "sources") else { return ([], [], false) }
        if list.count > Self.viewSourceCountMax {
            diagnostics.add(
                value.location,
                "\(list.count) sources; \(map.title) has at most \(Self.viewSourceCountMax)"
            )
            return ([], [], false)
        }
        var names: [String] = []
        var found: [ViewFeatures] = []
        var isWhole = true
        var joinKeys: [String: (type: ValueType, entity: String)] = [:]
        for element in list {
            guard let name = map.text(element, "sources") else {
                isWhole = false
                continue
            }
            guard !names.contains(name.value) else {
                diagnostics.add(name.location, "feature view \(name.value.quoted) is already in \(map.title)")
                continue
            }
            names.append(name.value)
            if name.value == OnDemandFeatureView.requestQualifier {
                diagnostics.add(
                    name.location,
                    "a feature view named 'request' cannot be a source: 'request.' names the values of a request"
                )
                isWhole = false
            } else if onDemandNames.contains(name.value), views[name.value] == nil {
                diagnostics.add(
                    name.location,
                    "\(name.value.quoted) is an on-demand feature view; derived features are made of features of feature views, "
                        + "not of derived ones"
                )
                isWhole = false
            } else if let symbol = views.resolve(name, diagnostics), let read = symbol.definition {
                checkJoinKeys(of: read.view, at: name.location, &joinKeys, in: map.title)
                found.append(features(of: read))
            } else {
                isWhole = false
            }
        }
        return (names, found, isWhole)
    }

    /// A view's features with their types, found once: many on-demand views may name it.
    private func features(of read: ReadView) -> ViewFeatures {
        if let known = viewFeatures[read.view.name] { return known }
        let features = ViewFeatures(read, over: sources[read.view.source]?.definition)
        viewFeatures[read.view.name] = features
        return features
    }

    /// `features: {spend_ratio: amount_sum_7d / nullif(amount_sum_30d, 0)}`
    private func readDerivedFeatures(
        _ map: MapReader,
        _ makeScope: (_ siblings: [String]) -> DerivedScope
    ) -> (list: [DerivedFeature], isWhole: Bool) {
        guard let value = map.required("features"),
            let entries = MapReader(value, title: "'features'", keys: nil, diagnostics)?.entries
        else { return ([], false) }
        if entries.isEmpty {
            diagnostics.add(value.location, "'features' is empty; an on-demand feature view has at least one")
        }
        if entries.count > Self.derivedFeatureCountMax {
            diagnostics.add(
                value.location,
                "\(entries.count) features; an on-demand feature view has at most \(Self.derivedFeatureCountMax)"
            )
            return ([], false)
        }
        let scope = makeScope(entries.map(\.key))
        var list: [DerivedFeature] = []
        var seen: Set<String> = []
        var isWhole = true
        // A duplicate key is already reported.
        for entry in entries where seen.insert(entry.key).inserted {
            let key = Located(value: entry.key, location: entry.keyLocation)
            guard let name = checkedName(key, noun: "feature", rule: .identifier, diagnostics),
                let text = map.text(entry.value, entry.key), let feature = derivedFeature(name.value, text, scope)
            else {
                isWhole = false
                continue
            }
            list.append(feature)
        }
        return (list, isWhole)
    }

    /// Parses and checks an expression; a mistake is reported at its place in the file, unless it may follow from one that
    /// is reported already.
    private func derivedFeature(_ name: String, _ text: Located<String>, _ scope: DerivedScope) -> DerivedFeature? {
        do throws(ExpressionMistake) {
            let parsed = try ParsedExpression(text.value)
            let resolved = scope.resolve(parsed.names)
            if !scope.isWhole, resolved.hasUnknown { return nil }
            let compiled = try parsed.compile(in: resolved.scope, numbering: .used)
            return DerivedFeature(
                name: name,
                text: compiled.canonicalText,
                type: compiled.resultType,
                inputs: resolved.inputs
            )
        } catch {
            diagnostics.add(place(of: error.offset, in: text), error.message)
            return nil
        }
    }
}

/// An on-demand feature view as far as it could be read.
struct ReadOnDemandView {
    var view: OnDemandFeatureView
    /// False when an expression could not be read, so that a feature name may be missing.
    var isWhole: Bool
}
