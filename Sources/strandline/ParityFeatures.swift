import FeatureModel

/// A feature, and how it is to be computed from raw events.
struct AuditedFeature {
    enum Meaning {
        case aggregation(Aggregation, FeatureView)
        case attribute(Attribute, AttributeView)
        /// An expression over other features: lookup and training row are compared with each other only.
        case derived
    }

    var reference: FeatureReference
    var meaning: Meaning

    /// Whose events it is computed from; nil for a derived feature.
    var source: String? {
        switch meaning {
        case .aggregation(_, let view): view.source
        case .attribute(_, let view): view.source
        case .derived: nil
        }
    }

    /// Microseconds before T at which a window of it has an edge.
    var edges: [Int64] {
        switch meaning {
        case .aggregation(let aggregation, _):
            let far = aggregation.timeWindow.reach.map { $0.addingReportingOverflow(aggregation.offset).partialValue }
            return [aggregation.offset] + (far.map { [$0] } ?? [])
        case .attribute(_, let view): return [0] + (view.maxAge.map { [$0] } ?? [])
        case .derived: return [0]
        }
    }
}

/// Features of one entity: what one lookup asks for.
struct AuditedGroup {
    let entity: Entity
    /// The sources whose events the features need.
    private(set) var sources: [String] = []
    private(set) var features: [AuditedFeature] = []

    private mutating func append(_ feature: AuditedFeature, _ sources: [String]) {
        features.append(feature)
        for source in sources where !self.sources.contains(source) { self.sources.append(source) }
    }

    /// - Parameter featuresMax: of one group; what is more goes to further ones.
    /// - Returns: also the derived features that no one entity has, which are left out.
    static func groups(
        of references: [FeatureReference],
        in definition: FeatureStoreDefinition,
        featuresMax: Int
    ) -> (groups: [AuditedGroup], leftOut: [FeatureReference]) {
        var groups: [AuditedGroup] = []
        var leftOut: [FeatureReference] = []
        for reference in references {
            guard let (feature, views) = definition.audited(reference),
                let name = views.first?.entity, views.allSatisfy({ $0.entity == name }),
                let entity = definition.entities.first(where: { $0.name == name })
            else {
                leftOut.append(reference)
                continue
            }
            var place = groups.firstIndex { $0.entity == entity && $0.features.count < featuresMax }
            if place == nil {
                place = groups.count
                groups.append(AuditedGroup(entity: entity))
            }
            if let place { groups[place].append(feature, views.map(\.source)) }
        }
        return (groups, leftOut)
    }
}

extension FeatureStoreDefinition {
    /// Every feature that is defined.
    var allReferences: [FeatureReference] {
        let stored = views.flatMap { view in
            view.featureNames.map { FeatureReference(view: view.name, feature: $0) }
        }
        return stored
            + onDemandFeatureViews.flatMap { view in
                view.features.map { FeatureReference(view: view.name, feature: $0.name) }
            }
    }

    /// The feature, and the views that its value comes from; nil when there is none of that name.
    fileprivate func audited(_ reference: FeatureReference) -> (AuditedFeature, [any EventView])? {
        if let view = featureViews.first(where: { $0.name == reference.view }),
            let aggregation = view.aggregations.first(where: { $0.name == reference.feature })
        {
            return (AuditedFeature(reference: reference, meaning: .aggregation(aggregation, view)), [view])
        }
        if let view = attributeViews.first(where: { $0.name == reference.view }),
            let attribute = view.attributes.first(where: { $0.name == reference.feature })
        {
            return (AuditedFeature(reference: reference, meaning: .attribute(attribute, view)), [view])
        }
        guard let view = onDemandFeatureViews.first(where: { $0.name == reference.view }),
            let feature = view.features.first(where: { $0.name == reference.feature })
        else { return nil }
        let names = Set(feature.featureInputs.map(\.view))
        return (AuditedFeature(reference: reference, meaning: .derived), views.filter { names.contains($0.name) })
    }
}
