// A feature repository, read and checked.
//
//   RepositoryFiles -> YAMLComposer -> YAMLValue -> RepositoryReader -> Repository
//     (name, text)      (guards)      (+ places)     (all mistakes)      (plain values)

public import FeatureModel

/// What a feature repository says: its definitions, and how the server that holds them shall run.
public struct Repository: Sendable {
    public var definition: FeatureStoreDefinition
    public var kafka: KafkaSettings
    public var server: ServerConfiguration

    private let kafkaLocations: [String: Location]
    private let entityLocations: [String: Location]
    private let sourceLocations: [String: Location]
    private let viewLocations: [String: Location]
    private let onDemandViewLocations: [String: Location]
    private let serviceLocations: [String: Location]

    /// Reads a repository's files.
    ///
    /// - Parameters:
    ///   - files: the texts; from `RepositoryFiles.load(directory:)` or from the wire.
    ///   - environment: the variables for `${VAR}` in the `kafka` and `server` settings. nil leaves such texts as they
    ///     stand, and settings of the server that hold one at their defaults: for a server that is handed files by a
    ///     client and must not expand its own environment into them.
    /// - Throws: `RepositoryError` with every mistake in the files, in their order.
    public init(parsing files: RepositoryFiles, environment: [String: String]?) throws(RepositoryError) {
        let diagnostics = DiagnosticList(files: files.files.map(\.name))
        files.checkLimits(diagnostics)
        if !diagnostics.isEmpty { throw RepositoryError(diagnostics: diagnostics.sorted()) }
        let reader = RepositoryReader(diagnostics: diagnostics, environment: environment)
        reader.read(files)
        if !diagnostics.isEmpty { throw RepositoryError(diagnostics: diagnostics.sorted()) }
        definition = reader.definition
        kafka = reader.settings.kafka
        server = reader.settings.server
        kafkaLocations = reader.settings.kafkaLocations
        entityLocations = reader.entities.locations
        sourceLocations = reader.sources.locations
        viewLocations = reader.views.locations
        onDemandViewLocations = reader.onDemandViews.locations
        serviceLocations = reader.services.locations
    }

    /// Where a Kafka setting stands, for a mistake that only librdkafka can find; nil when no file holds it.
    public func location(ofKafkaSetting name: String) -> Location? { kafkaLocations[name] }

    /// Where a definition's name stands. Services go by `name@version`.
    public func location(of object: DefinitionKind, named name: String) -> Location? {
        switch object {
        case .entity: entityLocations[name]
        case .source: sourceLocations[name]
        case .view: viewLocations[name]
        case .onDemandView: onDemandViewLocations[name]
        case .service: serviceLocations[name]
        }
    }
}

/// The kinds of definitions.
public enum DefinitionKind: String, Hashable, Sendable, CaseIterable {
    case entity, source, view
    case onDemandView = "on_demand_view"
    case service
}
