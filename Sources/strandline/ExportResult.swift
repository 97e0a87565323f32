/// What an export says at its end.
struct ExportResult: Encodable {
    var result: String
    var view: String
    var rows: Int
    var entities: Int
    var days: Int
    var files: Int
    var bytes: Int
    var knownAt: String
    var start: String?
    var end: String?
    var firstEvent: String?
    var lastEvent: String?
    var completeFrom: String?
    var droppedEntities: Int
    var droppedEvents: UInt64
    var out: String
    var manifest: String?

    init(_ manifest: ExportManifest, out: String, isDryRun: Bool) {
        result = isDryRun ? "dry_run" : "written"
        view = manifest.view
        rows = manifest.rows
        entities = manifest.entities
        days = Set(manifest.files.map { $0.path.prefix { $0 != "/" } }).count
        files = isDryRun ? 0 : manifest.files.count
        bytes = manifest.files.reduce(0) { $0 + $1.bytes }
        knownAt = manifest.knownAt
        start = manifest.start
        end = manifest.end
        firstEvent = manifest.firstEvent
        lastEvent = manifest.lastEvent
        completeFrom = manifest.completeFrom
        droppedEntities = manifest.dropped.entities
        droppedEvents = manifest.dropped.events
        self.out = out
        self.manifest = isDryRun ? nil : "\(out)/_manifest.json"
    }

    /// Notes, and a line with the counts last.
    var text: String {
        var lines: [String] = []
        if let completeFrom {
            lines.append("complete from \(completeFrom): of earlier events some may be missing")
        }
        if droppedEntities > 0 {
            lines.append(
                "history has dropped \(droppedEvents) events of \(droppedEntities) entities: what lifetime features keep of them is a state, not events, and is not exported"
            )
        }
        if result == "dry_run" { lines.append("dry run: nothing was written") }
        let edges = "start=\(start ?? "first") end=\(end ?? "last")"
        let manifest = manifest.map { " manifest=\($0)" } ?? ""
        lines.append(
            "rows=\(rows) entities=\(entities) days=\(days) files=\(files) bytes=\(bytes) known_at=\(knownAt) \(edges) out=\(out)\(manifest)"
        )
        return lines.joined(separator: "\n")
    }
}
