// `<out>.manifest.json`: what a training set was made of, by which rules, and what came out. docs/format/manifest.md has
// its keys and how its own checksum is made.

import FeatureModel
import FeatureServer

struct TrainingSetManifest: Codable {
    static let newestFormat = 1

    struct File: Codable {
        /// Without its folder: the manifest stands beside it.
        var name: String
        var bytes: Int
        var sha256: String
        var rows: Int
    }

    struct Labels: Codable {
        var name: String
        /// Of the label file's bytes; absent for labels that came from memory.
        var sha256: String?
        /// Malformed rows that were left out.
        var skippedRows: Int
        var joinKeys: [String]
        var timestampColumn: String
        /// The zone of times that are written without one, and how many are.
        var timestampZone: String
        var timesWithoutZone: Int
        /// Which column holds which request value.
        var requestColumns: [String: String]
    }

    struct TimeRules: Codable {
        var boundary: String
        /// K of all rows, or `row-time`.
        var knownAt: String
        /// With row time: the K that no row goes beyond.
        var knownAtMost: String?
        var embargo: String
        /// By view, where it is another one.
        var viewEmbargo: [String: String]
    }

    struct Snapshot: Codable {
        /// The newest commit when reading began; absent for a store without commits.
        var commit: String?
        /// As of that commit.
        var partitions: [SnapshotMessage.Partition]
    }

    struct Column: Codable {
        var name: String
        /// `view:feature`.
        var feature: String
        var type: String
        var embargo: String
        var nulls: Int
        /// Rows by status.
        var statuses: [String: Int]
        /// Event time of the newest event that counted towards any cell; absent where none did.
        var newestEvent: String?
        /// The least distance, in microseconds, from a cell's newest event to the label's time less the embargo.
        var leastAge: Int64?
        /// Cells with an event at or after the label's time less the embargo (after it, with `inclusive`): 0.
        var leaks: Int
        /// The columns that say how each cell came about, where they were asked for.
        var statusColumn: String?
        var eventTimeColumn: String?
    }

    var format = newestFormat
    var productVersion: String
    var project: String
    /// `name@version`.
    var service: String
    /// Of the service's features with all that their values depend on.
    var serviceHash: String
    /// Of all definitions.
    var definitionHash: String
    var file: File
    var labels: Labels
    var timeRules: TimeRules
    var snapshot: Snapshot
    var columns: [Column]
    /// Of this text, with zeros in its own place.
    var manifestSha256 = ManifestText.noDigest
}

extension TrainingSetManifest {
    static func path(of file: String) -> String { "\(file).manifest.json" }

    /// What the file itself says too, in its metadata.
    var metadata: [String: String] {
        var pairs = [
            "service": service, "service_hash": serviceHash, "definition_hash": definitionHash,
            "version": productVersion, "boundary": timeRules.boundary, "known_at": timeRules.knownAt,
            "embargo":
                ([timeRules.embargo]
                + timeRules.viewEmbargo.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
                .joined(separator: ","),
            "timestamp_zone": labels.timestampZone,
        ]
        pairs["known_at_most"] = timeRules.knownAtMost
        pairs["snapshot_commit"] = snapshot.commit
        return Dictionary(uniqueKeysWithValues: pairs.map { ("strandline.\($0.key)", $0.value) })
    }
}
