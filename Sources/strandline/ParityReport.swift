import FeatureModel
import FeatureTesting

/// A cell that differs between the ways of computing it.
struct ParityMismatch {
    /// Each `name=value`.
    var entity: [String]
    var point: AuditPoint
    var asOf: Instant
    var feature: FeatureReference
    var lookup: OracleAnswer
    /// Without an event time.
    var rows: OracleAnswer
    /// nil where only lookup and row are compared.
    var naive: OracleAnswer?

    /// To the last bit: value, status, and event time where the answer has one.
    var differs: Bool {
        var row = rows
        row.newest = lookup.newest
        return row != lookup || naive.map { $0 != lookup } ?? false
    }

    var text: String {
        "mismatch \(entity.joined(separator: " ")) T=\(asOf.iso8601) K=\(point.knownAt.iso8601) "
            + "boundary=\(point.boundary.name) feature=\(feature) lookup=\(Self.text(lookup)) "
            + "rows=\(Self.text(rows, hasTime: false)) naive=\(naive.map { Self.text($0) } ?? "-")"
    }

    var json: String {
        let members = [
            ("entity", "[\(entity.map(jsonText).joined(separator: ","))]"), ("as_of", jsonText(asOf.iso8601)),
            ("known_at", jsonText(point.knownAt.iso8601)), ("boundary", jsonText(point.boundary.name)),
            ("feature", jsonText(feature.description)), ("lookup", jsonText(Self.text(lookup))),
            ("rows", jsonText(Self.text(rows, hasTime: false))),
            ("naive", naive.map { jsonText(Self.text($0)) } ?? "null"),
        ]
        return "{\(members.map { "\(jsonText($0)):\($1)" }.joined(separator: ","))}"
    }

    private static let valueCharactersMax = 300

    /// `STATUS/value/event time`.
    private static func text(_ answer: OracleAnswer, hasTime: Bool = true) -> String {
        let value = answer.value.json
        let shown = value.count > valueCharactersMax ? value.prefix(valueCharactersMax) + "…" : value
        let time = answer.newest.map { Instant(microseconds: $0).iso8601 } ?? "-"
        return "\(answer.status.name)/\(shown)" + (hasTime ? "/\(time)" : "")
    }
}

/// What an audit has found so far.
struct ParityTally {
    private(set) var compared = 0
    private(set) var mismatches = 0
    /// Cells that need events which history has dropped.
    var skipped = 0
    /// Draws of entities with too many events, or whose history was dropped in part while it was read.
    var passedOver = 0
    private(set) var first: [ParityMismatch] = []

    /// Mismatches that are told one by one.
    static let shownMax = 20

    mutating func add(compared: Int, skipped: Int, _ found: [ParityMismatch]) {
        self.compared += compared
        self.skipped += skipped
        mismatches += found.count
        first += found.prefix(Self.shownMax - first.count)
    }
}
