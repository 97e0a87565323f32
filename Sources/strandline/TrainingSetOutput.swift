// The file of a training set and its manifest: both are written whole, then get their names, the manifest last.
//
//   pieces --> file without a name --> its SHA-256 --> manifest --> file without a name --> old manifest away, both named
//
// So a manifest never stands beside a file that it does not describe, whenever the process dies.

import ArrowTables
import FeatureModel
import FeatureServer
import Glibc
import StrandlineClient
import WireProtocol

/// For one thread at a time; blocking.
final class TrainingSetOutput {
    let path: String
    private let statusColumns: Bool
    private let eventTimeColumns: Bool
    private var writer: TableWriter?

    init(path: String, statusColumns: Bool, eventTimeColumns: Bool) {
        self.path = path
        self.statusColumns = statusColumns
        self.eventTimeColumns = eventTimeColumns
    }

    /// Finds out before the work what would fail after it.
    func check() throws {
        try OutputPlace(path).check()
        try OutputPlace(TrainingSetManifest.path(of: path)).check()
    }

    /// Writes rows.
    ///
    /// - Parameter metadata: the file's own; that of the first rows counts.
    func append(_ labels: Table, _ columns: TrainingColumns, metadata: [String: String]) throws {
        let writer = if let writer { writer } else { try TableWriter(path: path, metadata: metadata) }
        self.writer = writer
        var table = labels
        try columns.append(to: &table, statusColumns: statusColumns, eventTimeColumns: eventTimeColumns)
        try writer.append(table)
    }

    /// Gives both files their names.
    ///
    /// - Parameter manifest: all but the file's checksum and length.
    /// - Returns: the manifest that was written.
    func publish(_ manifest: TrainingSetManifest) throws -> TrainingSetManifest {
        guard let writer else { throw Failure(.failed, "\(path): no rows were written") }
        let file = try writer.finish()
        guard let (digest, byteCount) = FileDigest.of(descriptor: file.descriptor) else {
            throw Failure(.failed, "\(path): cannot read what was written: \(String(cString: strerror(errno)))")
        }
        var manifest = manifest
        manifest.file.sha256 = digest
        manifest.file.bytes = byteCount
        let manifestPath = TrainingSetManifest.path(of: path)
        let beside = try UnpublishedFile(path: manifestPath, bytes: try ManifestText.encode(manifest))
        unlink(manifestPath)
        try file.publish()
        try beside.publish()
        return manifest
    }
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
