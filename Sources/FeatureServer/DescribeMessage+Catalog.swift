import FeatureHistory
import FeatureModel

extension DescribeMessage {
    init(_ catalog: Catalog) {
        let definition = catalog.definition
        project = definition.project
        definitionHash = catalog.definitionHash
        features = definition.featureViews.flatMap { view in
            let source = definition.sources.first { $0.name == view.source }
            return view.aggregations.map { Feature($0, of: view, over: source) }
        }
        features += definition.attributeViews.flatMap { view in
            let source = definition.sources.first { $0.name == view.source }
            return view.attributes.map { Feature($0, of: view, over: source) }
        }
        for view in definition.onDemandFeatureViews {
            features += view.features.map { Feature($0, of: view, in: definition) }
        }
        services = definition.featureServices.map { service in
            let derived = service.features.compactMap(definition.derivedFeature)
            let inputs = service.features.flatMap { definition.derivedFeature($0)?.featureInputs ?? [$0] }
            var joinKeys: [String] = []
            for entity in definition.entities(of: inputs) {
                for key in catalog.entity(entity)?.joinKeys ?? [] where !joinKeys.contains(key.name) {
                    joinKeys.append(key.name)
                }
            }
            var request: [Field] = []
            for field in derived.flatMap(\.inputs).compactMap(\.requestField) where !request.contains(field) {
                request.append(field)
            }
            return Service(
                name: service.name,
                version: service.version,
                features: service.features.map(\.description),
                joinKeys: joinKeys,
                request: request.map { RequestValue(name: $0.name, type: $0.type.name) }
            )
        }
    }
}

extension DescribeMessage.Feature {
    fileprivate init(_ aggregation: Aggregation, of view: FeatureView, over source: Source?) {
        reference = "\(view.name):\(aggregation.name)"
        type = (source.flatMap { view.type(of: aggregation, over: $0) } ?? .int64).name
        function = aggregation.function.rawValue
        parameters = aggregation.parameters.text
        errorBound = aggregation.function.errorBound(aggregation.parameters)
        column = aggregation.column
        groupBy = aggregation.groupBy
        filter = view.filter?.text
        timeWindow = aggregation.timeWindow.description
        offset = aggregation.offset == 0 ? nil : TimeWindow.text(microseconds: aggregation.offset)
        entity = view.entity
        self.source = view.source
    }

    fileprivate init(_ attribute: Attribute, of view: AttributeView, over source: Source?) {
        reference = "\(view.name):\(attribute.name)"
        type = (source.flatMap { view.type(of: attribute, over: $0) } ?? .int64).name
        function = "latest"
        column = attribute.column
        filter = view.filter?.text
        maxAge = view.maxAge.map(TimeWindow.text(microseconds:))
        entity = view.entity
        self.source = view.source
    }

    fileprivate init(_ feature: DerivedFeature, of view: OnDemandFeatureView, in definition: FeatureStoreDefinition) {
        reference = "\(view.name):\(feature.name)"
        type = feature.type.name
        expression = feature.text
        let request = feature.inputs.compactMap(\.requestField).map {
            "\(OnDemandFeatureView.requestQualifier).\($0.name)"
        }
        inputs = feature.featureInputs.map(\.description) + request
        let entities = definition.entities(of: feature.featureInputs)
        entity = entities.isEmpty ? nil : entities.joined(separator: ", ")
    }
}

extension FeatureStoreDefinition {
    /// The derived feature of this reference; nil for others.
    fileprivate func derivedFeature(_ reference: FeatureReference) -> DerivedFeature? {
        let view = onDemandFeatureViews.first { $0.name == reference.view }
        return view?.features.first { $0.name == reference.feature }
    }

    /// The entities of the features' views, each once, in the order of the views' definitions.
    fileprivate func entities(of features: [FeatureReference]) -> [String] {
        let views = Set(features.map(\.view))
        return self.views.filter { views.contains($0.name) }.map(\.entity).reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
    }
}
