// Content hashes: SHA-256 over canonical bytes, as 64 hexadecimal digits. They cover everything that changes a result,
// and nothing else: no file layout, no comments, no order of definitions, no descriptions.

private import Crypto
public import FeatureModel

/// The hash of a whole definition, dead letter topics included.
public func definitionHash(of definition: FeatureStoreDefinition) -> String {
    var canonical = CanonicalBytes(domain: "definition")
    canonical.text(definition.project)
    canonical.list(definition.entities.sorted(by: \.name)) { $0.entity($1) }
    canonical.list(definition.sources.sorted(by: \.name)) {
        $0.source($1, columns: nil)
        $0.optional($1.deadLetterTopic) { $0.text($1) }
    }
    canonical.list(definition.featureViews.sorted(by: \.name)) {
        $0.text($1.name)
        $0.text($1.entity)
        $0.text($1.source)
        $0.history($1.history)
        $0.expressions(of: $1)
        $0.list($1.aggregations.sorted(by: \.name)) { $0.aggregation($1) }
    }
    if !definition.attributeViews.isEmpty {
        // Nothing at all where there are none, as with what else came later.
        canonical.text("attribute_views")
        canonical.list(definition.attributeViews.sorted(by: \.name)) {
            $0.text($1.name)
            $0.text($1.entity)
            $0.text($1.source)
            $0.attributes($1)
        }
    }
    canonical.list(definition.featureServices.sorted { ($0.name, $0.version) < ($1.name, $1.version) }) {
        $0.text($1.name)
        $0.integer(Int64($1.version))
        $0.list($1.features) { $0.text($1.description) }
    }
    // Nothing at all without them: definitions from before there were any keep their hashes.
    for view in definition.onDemandFeatureViews.sorted(by: \.name) {
        canonical.text("on_demand_feature_view")
        canonical.text(view.name)
        canonical.list(view.features.sorted(by: \.name)) { bytes, feature in
            _ = bytes.derived(feature) { bytes, reference in
                bytes.text(reference.description)
                return true
            }
        }
    }
    return hexadecimalDigest(canonical)
}

/// The hash of one view with all that its values depend on: its entity, and its source with the columns that it reads; of
/// an on-demand view its expressions with the features that they read.
///
/// - Returns: nil when the definition has no such view, or something that the view uses is missing.
public func definitionHash(ofView name: String, in definition: FeatureStoreDefinition) -> String? {
    if let view = definition.onDemandFeatureViews.first(where: { $0.name == name }) {
        var canonical = CanonicalBytes(domain: "on-demand view")
        canonical.text(view.name)
        canonical.integer(Int64(view.features.count))
        for feature in view.features.sorted(by: \.name) {
            guard canonical.derived(feature, { $0.stored($1, in: definition) }) else { return nil }
        }
        return hexadecimalDigest(canonical)
    }
    var canonical = CanonicalBytes(domain: "view")
    guard canonical.view(name, features: nil, in: definition) else { return nil }
    return hexadecimalDigest(canonical)
}

/// The hash of one version of a service: its features in their order, each with all that its values depend on. Further
/// features in the same views do not change it.
///
/// - Returns: nil when the definition has no such service, or something that the service uses is missing.
public func definitionHash(ofService name: String, version: Int, in definition: FeatureStoreDefinition) -> String? {
    guard let service = definition.featureServices.first(where: { $0.name == name && $0.version == version }) else {
        return nil
    }
    var canonical = CanonicalBytes(domain: "service")
    canonical.text(service.name)
    canonical.integer(Int64(service.version))
    canonical.integer(Int64(service.features.count))
    for feature in service.features {
        guard canonical.feature(feature, in: definition) else { return nil }
    }
    return hexadecimalDigest(canonical)
}

extension CanonicalBytes {
    /// One feature with all that its value depends on.
    ///
    /// - Returns: false when the definition lacks something of it.
    fileprivate mutating func feature(_ reference: FeatureReference, in definition: FeatureStoreDefinition) -> Bool {
        if let view = definition.onDemandFeatureViews.first(where: { $0.name == reference.view }) {
            guard let feature = view.features.first(where: { $0.name == reference.feature }) else { return false }
            text("derived")
            text(view.name)
            return derived(feature) { $0.stored($1, in: definition) }
        }
        return stored(reference, in: definition)
    }

    fileprivate mutating func stored(_ reference: FeatureReference, in definition: FeatureStoreDefinition) -> Bool {
        view(reference.view, features: [reference.feature], in: definition)
    }

    /// A view with its entity, and its source with the columns in use.
    ///
    /// - Parameter features: the features to cover, all in the order of their names when nil. A hash of some covers what
    ///   these read, not what others of the view do.
    /// - Returns: false when the definition lacks something of it.
    fileprivate mutating func view(
        _ name: String,
        features: [String]?,
        in definition: FeatureStoreDefinition
    ) -> Bool {
        func isWanted(_ name: String) -> Bool { features?.contains(name) ?? true }
        if var view = definition.featureViews.first(where: { $0.name == name }) {
            view.aggregations = view.aggregations.filter { isWanted($0.name) }.sorted(by: \.name)
            view.columns = usedColumns(of: view)
            guard features?.count ?? 0 <= view.aggregations.count, inputs(of: view, in: definition) else {
                return false
            }
            history(view.history)
            expressions(of: view)
            list(view.aggregations) { $0.aggregation($1) }
            return true
        }
        guard var view = definition.attributeViews.first(where: { $0.name == name }) else { return false }
        view.attributes = view.attributes.filter { isWanted($0.name) }
        view.columns = usedColumns(of: view)
        guard features?.count ?? 0 <= view.attributes.count, inputs(of: view, in: definition) else { return false }
        attributes(view)
        return true
    }

    private func usedColumns(of view: some EventView) -> [DerivedColumn] {
        view.columns.filter { view.usedColumns.contains($0.name) }
    }

    private mutating func inputs(of view: some EventView, in definition: FeatureStoreDefinition) -> Bool {
        guard let entity = definition.entities.first(where: { $0.name == view.entity }),
            let source = definition.sources.first(where: { $0.name == view.source })
        else { return false }
        text(view.name)
        self.entity(entity)
        self.source(source, columns: view.fields.union(entity.joinKeys.map(\.name)))
        return true
    }

    /// What makes an attribute view, without its inputs.
    fileprivate mutating func attributes(_ view: AttributeView) {
        text("attributes")
        optional(view.maxAge) { $0.integer($1) }
        history(view.history)
        expressions(of: view)
        list(view.attributes.sorted(by: \.name)) { $0.attribute($1) }
    }
}

private func hexadecimalDigest(_ canonical: CanonicalBytes) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in SHA256.hash(data: canonical.bytes) { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
}

extension Array {
    /// In the order of the bytes of a name, which does not depend on the Unicode version.
    fileprivate func sorted(by name: KeyPath<Element, String>) -> [Element] {
        sorted { $0[keyPath: name].utf8.lexicographicallyPrecedes($1[keyPath: name].utf8) }
    }
}
