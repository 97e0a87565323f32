// The K of a training set as the command line states it, and as the file that is written says it:
//
//   --known-at                           file's metadata                                    printed
//   (none)                               strandline.known_at = newest commit                known_at=...
//   2026-11-25                           strandline.known_at = that, or the newest commit   known_at=...
//   row-time (--known-at-most ...)       strandline.known_at = row-time                     known_at=row-time
//                                        strandline.known_at_most = K                       known_at_most=...

import FeatureModel

struct TrainingKnownAt {
    static let rowTime = "row-time"

    /// Each row is known at its own T.
    let isRowTime: Bool
    /// The K that no row goes beyond; nil for the newest commit.
    let latest: Instant?

    init(knownAt: String?, knownAtMost: String?) throws {
        isRowTime = knownAt == Self.rowTime
        guard isRowTime else {
            guard knownAtMost == nil else {
                throw Failure(
                    .usage,
                    "--known-at-most goes with --known-at row-time; --known-at with a time is one K for all rows"
                )
            }
            latest = try parseInstant(knownAt, "--known-at", or: Self.rowTime)
            return
        }
        latest = try parseInstant(knownAtMost, "--known-at-most")
    }

    private init(isRowTime: Bool, latest: Instant?) {
        self.isRowTime = isRowTime
        self.latest = latest
    }

    /// What a manifest says.
    init(_ rules: TrainingSetManifest.TimeRules) throws {
        try self.init(knownAt: rules.knownAt, knownAtMost: rules.knownAtMost)
    }

    /// The same, and no row beyond a commit.
    func pinned(at commit: Instant) -> TrainingKnownAt {
        TrainingKnownAt(isRowTime: isRowTime, latest: latest.map { min($0, commit) } ?? commit)
    }

    /// What a training set records of it, given the K that the server used.
    func record(used: Instant) -> [(key: String, value: String)] {
        isRowTime
            ? [("known_at", Self.rowTime), ("known_at_most", used.iso8601)] : [("known_at", used.iso8601)]
    }
}
