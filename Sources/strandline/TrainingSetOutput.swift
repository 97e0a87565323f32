// The file of a training set and its manifest: both are written whole, then get their names, the manifest last.
//
//   data --> file without a name --> its SHA-256 --> manifest --> file without a name --> old manifest away, both named
//
// So a manifest never stands beside a file that it does not describe, whenever the process dies.

import ArrowTables
import FeatureModel
import FeatureServer
import Glibc
import StrandlineClient
import TrainingSets
import WireProtocol

/// A training set before it is a file.
struct TrainingSet {
    let labels: Labels
    let reader: LabelReader
    let columns: TrainingColumns
    let groups: TrainingGroups
    let snapshot: SnapshotMessage
    let embargo: TrainingEmbargo
    let knownAt: TrainingKnownAt
    let boundary: Boundary
}

struct TrainingSetOutput {
    let path: String
    let labelPath: String

    /// Finds out before the work what would fail after it.
    func check() throws {
        try OutputPlace(path).check()
        try OutputPlace(TrainingSetManifest.path(of: path)).check()
    }

    /// - Returns: the manifest that was written.
    func write(_ set: TrainingSet, statusColumns: Bool, eventTimeColumns: Bool) throws -> TrainingSetManifest {
        var table = set.labels.table
        try set.columns.append(to: &table, statusColumns: statusColumns, eventTimeColumns: eventTimeColumns)
        var manifest = try manifest(of: set, statusColumns: statusColumns, eventTimeColumns: eventTimeColumns)
        if let leak = manifest.columns.first(where: { $0.leaks > 0 }) {
            throw Failure(
                .failed,
                "\(leak.leaks) cells of \(leak.feature) count an event at or after their row's time: a defect in the "
                    + "server; nothing was written"
            )
        }
        let file = try table.unpublished(path: path, metadata: manifest.metadata)
        guard let (digest, byteCount) = FileDigest.of(descriptor: file.descriptor) else {
            throw Failure(.failed, "\(path): cannot read what was written: \(String(cString: strerror(errno)))")
        }
        manifest.file.sha256 = digest
        manifest.file.bytes = byteCount
        let manifestPath = TrainingSetManifest.path(of: path)
        let beside = try UnpublishedFile(path: manifestPath, bytes: try ManifestText.encode(manifest))
        unlink(manifestPath)
        try file.publish()
        try beside.publish()
        return manifest
    }

    /// All but the file's checksum and length.
    private func manifest(
        of set: TrainingSet,
        statusColumns: Bool,
        eventTimeColumns: Bool
    ) throws -> TrainingSetManifest {
        guard let labelDigest = FileDigest.of(path: labelPath)?.digest else {
            throw Failure(.failed, "\(labelPath): cannot be read again: \(String(cString: strerror(errno)))")
        }
        let service = set.groups.service
        let requestColumns = try set.reader.requestColumns.resolve(service.request, in: set.labels.table)
        let names = TrainingColumns.names(of: service.features)
        let record = Dictionary(
            uniqueKeysWithValues: set.knownAt.record(used: set.columns.knownAt).map { ($0.key, $0.value) }
        )
        return TrainingSetManifest(
            productVersion: Strandline.version,
            project: set.snapshot.project,
            service: set.snapshot.service,
            serviceHash: set.snapshot.serviceHash,
            definitionHash: set.snapshot.definitionHash,
            file: .init(name: Self.name(of: path), bytes: 0, sha256: "", rows: set.labels.count),
            labels: .init(
                name: Self.name(of: labelPath),
                sha256: labelDigest,
                skippedRows: set.labels.skippedCount,
                joinKeys: service.joinKeys.map(\.name),
                timestampColumn: set.labels.timestampColumn,
                timestampZone: set.reader.zone.name,
                timesWithoutZone: set.labels.timesWithoutZone,
                requestColumns: Dictionary(uniqueKeysWithValues: requestColumns.map { ($0.field.name, $0.column) })
            ),
            timeRules: .init(
                boundary: set.boundary.name,
                knownAt: record["known_at"] ?? "",
                knownAtMost: record["known_at_most"],
                embargo: TrainingEmbargo.text(set.embargo.all),
                viewEmbargo: set.embargo.views.mapValues(TrainingEmbargo.text)
            ),
            snapshot: .init(commit: set.snapshot.commit, partitions: set.snapshot.partitions),
            columns: names.indices.map { place in
                TrainingSetManifest.Column(
                    name: names[place],
                    of: place,
                    in: set.columns,
                    asOf: set.labels.rows.asOf,
                    embargo: set.groups.embargoes[place],
                    boundary: set.boundary,
                    statusColumn: statusColumns,
                    eventTimeColumn: eventTimeColumns
                )
            }
        )
    }

    private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }
}

extension StrandlineClient {
    /// How far the store has come, and what a service is made of.
    func snapshot(of service: String) async throws -> SnapshotMessage {
        let reply = try await admin("snapshot", try JSONMessage.encode(SnapshotRequest(service: service)))
        return try JSONMessage.decode(SnapshotMessage.self, from: reply)
    }
}

extension SnapshotMessage {
    /// The newest commit; the epoch where there is none.
    var instant: Instant { commit.flatMap { Instant(iso8601: $0) } ?? Instant(microseconds: 0) }
}
