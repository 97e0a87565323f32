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
    canonical.list(definition.featureServices.sorted { ($0.name, $0.version) < ($1.name, $1.version) }) {
        $0.text($1.name)
        $0.integer(Int64($1.version))
        $0.list($1.features) { $0.text($1.description) }
    }
    return hexadecimalDigest(canonical)
}

/// The hash of one view with all that its values depend on: its entity, and its source with the columns that it reads.
///
/// - Returns: nil when the definition has no such view, or the view's entity or source is missing.
public func definitionHash(ofView name: String, in definition: FeatureStoreDefinition) -> String? {
    guard let view = definition.featureViews.first(where: { $0.name == name }) else { return nil }
    var canonical = CanonicalBytes(domain: "view")
    guard canonical.view(view, aggregations: view.aggregations.sorted(by: \.name), in: definition) else { return nil }
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
    let views = Dictionary(definition.featureViews.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var canonical = CanonicalBytes(domain: "service")
    canonical.text(service.name)
    canonical.integer(Int64(service.version))
    canonical.integer(Int64(service.features.count))
    for feature in service.features {
        guard let view = views[feature.view],
            let aggregation = view.aggregations.first(where: { $0.name == feature.feature }),
            canonical.view(view, aggregations: [aggregation], in: definition)
        else { return nil }
    }
    return hexadecimalDigest(canonical)
}

extension CanonicalBytes {
    /// A view with its entity, and its source with the columns in use.
    ///
    /// - Returns: false when the definition lacks one of them.
    fileprivate mutating func view(
        _ view: FeatureView,
        aggregations: [Aggregation],
        in definition: FeatureStoreDefinition
    ) -> Bool {
        guard let entity = definition.entities.first(where: { $0.name == view.entity }),
            let source = definition.sources.first(where: { $0.name == view.source })
        else { return false }
        text(view.name)
        self.entity(entity)
        // A hash of some features covers what these read, not what others of the view do.
        var own = view
        own.aggregations = aggregations
        own.columns = view.columns.filter { column in aggregations.contains { $0.columnsRead.contains(column.name) } }
        self.source(source, columns: own.fields.union(entity.joinKeys.map(\.name)))
        history(view.history)
        expressions(of: own)
        list(aggregations) { $0.aggregation($1) }
        return true
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
