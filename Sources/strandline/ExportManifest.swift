import FeatureModel
import FoundationEssentials
import WireProtocol

/// `_manifest.json`: what an export is made of, and by which rules. Equal exports are equal bytes.
struct ExportManifest: Codable {
    static let newestFormat = 1

    struct File: Codable {
        /// In the export's folder.
        var path: String
        var rows: Int
        var bytes: Int
        var sha256: String
    }

    struct Dropped: Codable {
        /// Entities of which history has dropped events that may have lain in the interval.
        var entities: Int
        /// How many of theirs it has dropped; `lifetime` features keep counting them, and no file holds them.
        var events: UInt64
    }

    var format = newestFormat
    var productVersion: String
    var view: String
    /// Of the view with all that its values depend on.
    var viewHash: String
    var source: String
    var filter: String?
    /// The field by which duplicates were left out: of equal event time and id the least position known at K.
    var eventId: String?
    /// K: events that arrived later are left out. The epoch for a store without commits.
    var knownAt: String
    /// Event times in [start, end); absent where the interval has no such edge.
    var start: String?
    var end: String?
    /// From here on nothing that the view counts is missing; absent where that is so from the beginning.
    var completeFrom: String?
    var dropped: Dropped
    var columns: [ExportColumns.Column]
    var rows: Int
    var entities: Int
    /// The oldest and the newest event; absent without any.
    var firstEvent: String?
    var lastEvent: String?
    var files: [File]

    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        }
    }
}

extension ExportManifest {
    /// Without rows and files.
    init(_ first: HistoryPageReply, view: String, interval: ExportedInterval, columns: ExportColumns) {
        let schema = first.schema
        let from = max(first.horizon, first.availableFrom)
        self.init(
            productVersion: Strandline.version,
            view: view,
            viewHash: schema.viewHash,
            source: schema.source,
            filter: schema.filter.isEmpty ? nil : schema.filter,
            eventId: schema.eventID.isEmpty ? nil : schema.eventID,
            knownAt: first.knownAt.iso8601,
            start: interval.start?.iso8601,
            end: interval.end?.iso8601,
            completeFrom: from == .distantPast ? nil : from.iso8601,
            dropped: Dropped(entities: 0, events: 0),
            columns: columns.all,
            rows: 0,
            entities: 0,
            files: []
        )
    }

    /// What each file says too, in its metadata.
    var metadata: [String: String] {
        var pairs = [
            "view": view, "view_hash": viewHash, "source": source, "version": productVersion, "known_at": knownAt,
        ]
        pairs["filter"] = filter
        pairs["event_id"] = eventId
        pairs["start"] = start
        pairs["end"] = end
        pairs["complete_from"] = completeFrom
        return Dictionary(uniqueKeysWithValues: pairs.map { ("strandline.\($0.key)", $0.value) })
    }
}
