import ArrowTables
import FeatureModel
import WireProtocol

/// Takes pages, and makes a folder of them.
struct ExportWriter {
    /// nil counts only.
    let folder: ExportFolder?
    let memory: Int
    let isJSON: Bool
    private var manifest: ExportManifest?
    private var days: ExportDays?
    private var bar: ProgressBar?
    private let files = Files()

    /// What was written so far.
    private final class Files { var all: [ExportManifest.File] = [] }

    init(folder: ExportFolder?, memory: Int, isJSON: Bool) {
        self.folder = folder
        self.memory = memory
        self.isJSON = isJSON
    }

    mutating func take(_ page: HistoryPageReply, view: String, interval: ExportedInterval) throws {
        if days == nil { begin(page, view: view, interval: interval) }
        try days?.append(page)
        manifest?.dropped.entities += Int(page.droppedEntities)
        manifest?.dropped.events &+= page.droppedEvents
        // The last hundredth is for what is written at the end.
        bar?.update(min(990_000, Int(page.progress)), rows: days?.rows)
    }

    private mutating func begin(_ page: HistoryPageReply, view: String, interval: ExportedInterval) {
        let columns = ExportColumns(page.schema, hasDeletes: page.deleted != nil)
        let made = ExportManifest(page, view: view, interval: interval, columns: columns)
        manifest = made
        bar = ProgressBar("export", total: 1_000_000, isJSON: isJSON)
        var write: ((String, Int, Table) throws -> Void)?
        if let folder {
            let (metadata, files) = (made.metadata, files)
            write = { date, part, table in
                let number = String(part)
                let name =
                    "date=\(date)/part-\(String(repeating: "0", count: max(0, 5 - number.count)))\(number).parquet"
                let (digest, byteCount) = try folder.write(table, as: name, metadata: metadata)
                files.all.append(.init(path: name, rows: table.rowCount, bytes: byteCount, sha256: digest))
            }
        }
        // Half for the rows, half for the file that is being made of some of them.
        days = ExportDays(page.schema, columns, bytesMax: memory / 2, write: write)
    }

    /// Writes what is left, and gives the folder its name.
    mutating func finish() throws -> ExportManifest {
        guard var manifest, var days else { throw Failure(.failed, "the server gave no page") }
        try days.finish()
        manifest.rows = days.rows
        manifest.entities = days.entities
        manifest.firstEvent = days.firstTime.map { Instant(microseconds: $0).iso8601 }
        manifest.lastEvent = days.lastTime.map { Instant(microseconds: $0).iso8601 }
        if let folder {
            manifest.files = files.all.sorted { $0.path < $1.path }
            try folder.write(try manifest.bytes, as: "_manifest.json")
            try folder.write([], as: "_SUCCESS")
            try folder.publish()
        } else {
            manifest.files = days.rowsByDate.sorted { $0.key < $1.key }.map {
                .init(path: "date=\($0.key)", rows: $0.value, bytes: 0, sha256: "")
            }
        }
        bar?.update(1_000_000, rows: days.rows)
        return manifest
    }
}
