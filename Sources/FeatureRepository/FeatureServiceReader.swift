// One element of `feature_services`.

import FeatureModel

extension RepositoryReader {
    static let serviceKeys = ["name", "version", "features", "description"]
    static let serviceFeatureCountMax = 1000

    func readService(_ value: YAMLValue) {
        guard
            let item = DefinitionItem(
                value,
                noun: "feature service",
                keys: Self.serviceKeys,
                rule: .dashed,
                diagnostics
            )
        else { return }
        let map = item.map
        let before = diagnostics.count
        let version =
            map.parsed("version", expected: "a whole number from 1 to \(Int32.max)") { text in
                wholeNumber(in: text).flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
            } ?? 1
        var features: [FeatureReference] = []
        if let value = map.required("features"), let list = map.list(value, "features") {
            if list.isEmpty {
                diagnostics.add(value.location, "'features' is empty; a feature service has at least one")
            }
            features = readReferences(list, at: value.location, map)
        }
        let description = map.descriptionText
        guard let name = item.name else { return }
        let isWhole = diagnostics.count == before
        let service = FeatureService(name: name.value, version: version, features: features, description: description)
        // `@` cannot stand in a name, so the two cannot run together.
        services.add(
            Located(value: "\(name.value)@\(version)", location: name.location),
            isWhole ? service : nil,
            diagnostics
        )
    }

    private func readReferences(_ list: [YAMLValue], at location: Location, _ map: MapReader) -> [FeatureReference] {
        var features: [FeatureReference] = []
        var seen: Set<FeatureReference> = []
        var joinKeys: [String: (type: ValueType, entity: String)] = [:]
        var joinedEntities: Set<String> = []
        var request: [String: (type: ValueType, view: String)] = [:]
        for element in list {
            guard let text = referenceText(element, map) else { continue }
            guard let reference = FeatureReference(text.value) else {
                diagnostics.add(text.location, "a feature must be 'view:feature' or 'view:*', not \(text.value.quoted)")
                continue
            }
            guard let read = readView(reference, at: text.location) else { continue }
            for view in read.inputViews.compactMap({ views[$0]?.definition?.view })
            where joinedEntities.insert(view.entity).inserted {
                checkJoinKeys(of: view, at: text.location, &joinKeys, in: map.title)
            }
            let expanded = expand(reference, in: read, at: text.location)
            checkRequest(of: expanded, in: read, at: text.location, &request, map)
            for feature in expanded {
                if seen.insert(feature).inserted {
                    features.append(feature)
                } else {
                    diagnostics.add(text.location, "feature '\(feature)' is already in \(map.title)")
                }
            }
            if features.count > Self.serviceFeatureCountMax {
                diagnostics.add(location, "more than \(Self.serviceFeatureCountMax) features in \(map.title)")
                return []
            }
        }
        return features
    }

    /// The text of one reference. `view: feature`, with a space, is a mapping to YAML; the message says so.
    private func referenceText(_ value: YAMLValue, _ map: MapReader) -> Located<String>? {
        switch value.kind {
        case .scalar(let text, _): return Located(value: text, location: value.location)
        case .map(let entries) where entries.count == 1:
            if case .scalar(let feature, _) = entries[0].value.kind {
                let fixed = "\(entries[0].key):\(feature)"
                diagnostics.add(
                    value.location,
                    "a feature must be 'view:feature'; write \(fixed.quoted) without a space"
                )
                return nil
            }
            fallthrough
        default:
            diagnostics.add(value.location, "a feature must be 'view:feature' or 'view:*', not \(value.kindName)")
            return nil
        }
    }

    /// What a reference to features may name: a feature view or an on-demand one.
    private func readView(_ reference: FeatureReference, at location: Location) -> ReferencedView? {
        if let symbol = onDemandViews[reference.view], views[reference.view] == nil {
            return symbol.definition.map { ReferencedView($0) }
        }
        // One of those that could not be read may have the name.
        guard onDemandViews.isComplete || views[reference.view] != nil else { return nil }
        let name = Located(value: reference.view, location: location)
        return views.resolve(name, others: onDemandViews.names, diagnostics)?.definition.map { ReferencedView($0) }
    }

    /// Request values of one name are one value in a request, so they must be of one type.
    private func checkRequest(
        of features: [FeatureReference],
        in read: ReferencedView,
        at location: Location,
        _ request: inout [String: (type: ValueType, view: String)],
        _ map: MapReader
    ) {
        let names = Set(features.map(\.feature))
        for field in read.derived.filter({ names.contains($0.name) }).flatMap(\.inputs).compactMap(\.requestField) {
            guard let other = request[field.name] else {
                request[field.name] = (field.type, read.name)
                if request.count == OnDemandFeatureView.requestCountMax + 1 {
                    diagnostics.add(
                        location,
                        "request value \(field.name.quoted) is number \(request.count) of \(map.title); "
                            + "a request brings along at most \(OnDemandFeatureView.requestCountMax)"
                    )
                }
                continue
            }
            guard other.type != field.type else { continue }
            diagnostics.add(
                location,
                "request value \(field.name.quoted) is \(field.type.name) in on-demand feature view \(read.name.quoted), "
                    + "but \(other.type.name) in \(other.view.quoted) of the same service"
            )
        }
    }

    private func expand(_ reference: FeatureReference, in read: ReferencedView, at location: Location)
        -> [FeatureReference]
    {
        let names = read.featureNames
        if reference.feature == "*" { return names.map { FeatureReference(view: reference.view, feature: $0) } }
        if names.contains(reference.feature) { return [reference] }
        if read.isWhole {
            let suggestion = hint(for: reference.feature, among: names, title: "its features")
            diagnostics.add(
                location,
                "\(read.noun) \(reference.view.quoted) has no feature \(reference.feature.quoted)\(suggestion)"
            )
        }
        return []
    }

    /// Join keys of one name are one value in a request, so they must be of one type.
    ///
    /// - Parameter title: what is being read: the service or on-demand view that joins them.
    func checkJoinKeys(
        of view: any EventView,
        at location: Location,
        _ joinKeys: inout [String: (type: ValueType, entity: String)],
        in title: String
    ) {
        guard let entity = entities[view.entity]?.definition else { return }
        for key in entity.joinKeys {
            guard let other = joinKeys[key.name] else {
                joinKeys[key.name] = (key.type, entity.name)
                continue
            }
            if other.type != key.type {
                diagnostics.add(
                    location,
                    "join key \(key.name.quoted) is \(key.type.name) in entity \(entity.name.quoted), "
                        + "but \(other.type.name) in entity \(other.entity.quoted); \(title) joins both"
                )
            }
        }
    }
}

/// What a service's list refers to, whatever its kind.
private struct ReferencedView {
    let noun: String
    let name: String
    let featureNames: [String]
    /// False when a feature name may be missing.
    let isWhole: Bool
    /// The feature views whose entities a request must name.
    let inputViews: [String]
    let derived: [DerivedFeature]

    init(_ read: ReadView) {
        (noun, name, isWhole) = (read.noun, read.view.name, read.isWhole)
        featureNames = read.view.featureNames
        inputViews = [read.view.name]
        derived = []
    }

    init(_ read: ReadOnDemandView) {
        (noun, name, isWhole) = ("on-demand feature view", read.view.name, read.isWhole)
        featureNames = read.view.features.map(\.name)
        inputViews = read.view.features.flatMap(\.featureInputs).map(\.view)
        derived = read.view.features
    }
}
