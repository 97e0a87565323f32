// The JSON of `snapshot`: what a training set records about the store that it reads, and what its check compares.

import FeatureHistory
import FeatureModel
import FeatureRepository
import WireProtocol

/// Body of `snapshot`.
public struct SnapshotRequest: Codable, Sendable {
    /// `name` for the newest version, or `name@version`.
    public var service: String

    public init(service: String) { self.service = service }
}

/// Reply of `snapshot`.
public struct SnapshotMessage: Codable, Sendable {
    public struct Partition: Codable, Hashable, Sendable {
        public var source: String
        /// Absent when the definitions have no such source any more.
        public var topic: String?
        public var incarnation: UInt16
        public var partition: Int32
        /// The offset to go on from.
        public var next: Int64
    }

    public struct Feature: Codable, Sendable {
        public var reference: String
        /// The views whose events it is made of: its own, of a derived feature those of its inputs.
        public var views: [String]
    }

    public var version: String
    public var project: String
    /// The newest visible commit, ISO 8601; absent before the first.
    public var commit: String?
    /// As of exactly that commit.
    public var partitions: [Partition]
    public var definitionHash: String
    /// `name@version`.
    public var service: String
    /// Covers the service's features with all that their values depend on, and nothing else.
    public var serviceHash: String
    /// In the order of the service.
    public var features: [Feature]
}

extension AdminRouter {
    /// snapshot.
    mutating func onSnapshot(of store: FeatureStore, version: String) {
        on("snapshot") { body throws(WireError) in
            let wanted = try Self.request(SnapshotRequest.self, body)
            let catalog = store.catalog
            guard let service = catalog.featureService(wanted.service),
                let hash = FeatureRepository.definitionHash(
                    ofService: service.name,
                    version: service.version,
                    in: catalog.definition
                )
            else {
                let names = catalog.definition.featureServices.map { "\($0.name)@\($0.version)" }
                throw WireError(
                    .unknownService,
                    "no feature service '\(wanted.service)'"
                        + hint(for: wanted.service, among: names, title: "feature services")
                )
            }
            let snapshot: StoreSnapshot
            do throws(StoreError) { snapshot = try store.snapshot() } catch {
                throw WireError(.storeFailed, "\(error)")
            }
            return try Self.reply(SnapshotMessage(snapshot, service, hash: hash, catalog, version: version))
        }
    }
}

extension SnapshotMessage {
    fileprivate init(
        _ snapshot: StoreSnapshot,
        _ service: FeatureService,
        hash: String,
        _ catalog: Catalog,
        version: String
    ) {
        self.version = version
        project = catalog.definition.project
        // The epoch stands for "before the first".
        commit = snapshot.commit.microseconds == 0 ? nil : snapshot.commit.iso8601
        partitions = snapshot.offsets.compactMap { offset in
            guard let source = catalog.sources.first(where: { $0.value.ordinal == offset.stream.source }) else {
                return nil
            }
            return Partition(
                source: source.key,
                topic: catalog.definition.sources.first { $0.name == source.key }?.topic,
                incarnation: offset.stream.incarnation,
                partition: offset.stream.partition,
                next: offset.next
            )
        }
        definitionHash = catalog.definitionHash
        self.service = "\(service.name)@\(service.version)"
        serviceHash = hash
        features = service.features.map { reference in
            let view = catalog.definition.onDemandFeatureViews.first { $0.name == reference.view }
            let derived = view?.features.first { $0.name == reference.feature }
            let views = [reference.view] + (derived?.featureInputs.map(\.view) ?? [])
            return Feature(
                reference: reference.description,
                views: views.reduce(into: []) {
                    if !$0.contains($1) { $0.append($1) }
                }
            )
        }
    }
}
