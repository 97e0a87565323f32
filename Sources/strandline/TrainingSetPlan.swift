import FeatureModel
import FeatureServer
import StrandlineClient
import TrainingSets
import WireProtocol

/// What `training-set --dry-run` says: what would be written, after the labels, the definitions and the options were checked.
struct TrainingSetPlan: Encodable {
    var result = "dry_run"
    var service: String
    var serviceHash: String
    var rows: Int
    /// Malformed label rows that would be left out.
    var skippedRows: Int
    var features: [String]
    /// Of the label rows.
    var firstTime: String?
    var lastTime: String?
    /// K, or `row-time`.
    var knownAt: String
    var boundary: String
    var embargo: String
    var timestampZone: String
    var out: String
    var manifest: String

    init(
        _ labels: LabelSurvey,
        _ snapshot: SnapshotMessage,
        _ groups: TrainingGroups,
        _ options: TrainingSetOptions
    ) {
        let knownAt = options.knownAt.pinned(at: snapshot.instant)
        service = snapshot.service
        serviceHash = snapshot.serviceHash
        rows = labels.count
        skippedRows = labels.skippedCount
        features = groups.service.features.map(\.reference)
        firstTime = labels.firstTime?.iso8601
        lastTime = labels.lastTime?.iso8601
        self.knownAt = knownAt.isRowTime ? TrainingKnownAt.rowTime : (knownAt.latest ?? snapshot.instant).iso8601
        boundary = options.boundary.name
        embargo = options.embargo.text
        timestampZone = options.zone.name
        out = options.out
        manifest = TrainingSetManifest.path(of: out)
    }

    var text: String {
        "dry run: nothing was written\n"
            + "rows=\(rows) skipped=\(skippedRows) features=\(features.count) from=\(firstTime ?? "-") to=\(lastTime ?? "-") "
            + "known_at=\(knownAt) boundary=\(boundary) embargo=\(embargo) zone=\(timestampZone) out=\(out)"
    }
}

/// What `training-set --output json` says at its end.
struct TrainingSetResult: Encodable {
    var result = "written"
    var service: String
    var serviceHash: String
    var rows: Int
    var skippedRows: Int
    var features: Int
    var knownAt: String
    var knownAtMost: String?
    var boundary: String
    var embargo: String
    var out: String
    var bytes: Int
    var sha256: String
    var manifest: String

    init(_ manifest: TrainingSetManifest, out: String) {
        service = manifest.service
        serviceHash = manifest.serviceHash
        rows = manifest.file.rows
        skippedRows = manifest.labels.skippedRows
        features = manifest.columns.count
        knownAt = manifest.timeRules.knownAt
        knownAtMost = manifest.timeRules.knownAtMost
        boundary = manifest.timeRules.boundary
        embargo = manifest.timeRules.embargo
        self.out = out
        bytes = manifest.file.bytes
        sha256 = manifest.file.sha256
        self.manifest = TrainingSetManifest.path(of: out)
    }
    /// The same as words.
    func text(embargo: TrainingEmbargo, zone: TimestampZone, skips: Bool) -> String {
        let skipped = skips ? " skipped=\(skippedRows)" : ""
        let most = knownAtMost.map { " known_at_most=\($0)" } ?? ""
        return "rows=\(rows)\(skipped) features=\(features) known_at=\(knownAt)\(most) boundary=\(boundary) "
            + "embargo=\(embargo.text) zone=\(zone.name) out=\(out) manifest=\(manifest)"
    }
}
