import ArgumentParser
import ArrowTables
import FeatureModel
import FeatureRepository
import FeatureServer
import StrandlineClient
import WireProtocol

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the events that a view counts to Parquet, a folder a day.",
        discussion: """
            Examples:
              strandline export --view customer_purchases --out purchases
              strandline export --view customer_purchases --out january \\
                  --start 2026-01-01T00:00:00Z --end 2026-02-01T00:00:00Z
              strandline export --view customer_purchases --out purchases --dry-run
              strandline export --view customer_purchases --out purchases \\
                  --known-at 2026-01-31T00:00:00Z --output json

            DIR/date=2026-01-31/part-00000.parquet holds that day's events: join keys, event
            time, when each was known, the columns that the view reads, and its position.
            Only events that pass the view's filter, in [start, end), that had arrived by K.
            The folder appears whole or not at all: _manifest.json says what it holds, and
            _SUCCESS is written last.
            """
    )

    @Option(help: "The feature view or attribute view.")
    var view: String

    @Option(help: "The folder to write; it must not exist, or be empty.")
    var out: String

    @Option(help: "Events from here on, ISO 8601, UTC without a zone; default: the first.")
    var start: String?

    @Option(help: "Events before here; default: to the last.")
    var end: String?

    @Option(help: "K: only events that had arrived by then; default: the newest commit.")
    var knownAt: String?

    @Option(help: "What rows that are not written yet may take, from 64MiB; more makes fewer, larger files.")
    var memory = "512MiB"

    @Flag(help: "Count what would be written, and write nothing.")
    var dryRun = false

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let interval = try ExportedInterval(start: start, end: end)
        let knownAt = try parseInstant(knownAt, "--known-at")
        guard let bytes = byteCount(in: memory), bytes >= 64 << 20 else {
            throw Failure(.usage, "--memory: '\(memory)' is not a number of bytes from 64MiB such as 1GiB")
        }
        let folder = try ExportFolder(out)
        try folder.check()
        if !interval.naive.isEmpty {
            Failure.print(
                "strandline: \(interval.naive.joined(separator: " and ")) without a zone: taken as UTC; write Z behind the time to say so"
            )
        }
        let (view, dryRun, isJSON) = (view, dryRun, output == .json)
        if !dryRun {
            Table.returnFreedMemory()
            try folder.begin()
            Interruption.leavesNothing { folder.discard() }
        }
        do {
            let manifest = try await connection.withClient { client in
                let reader = ExportReader(client: client, view: view, interval: interval, knownAt: knownAt)
                var writer = ExportWriter(folder: dryRun ? nil : folder, memory: bytes, isJSON: isJSON)
                try await reader.pages { try writer.take($0, view: view, interval: interval) }
                return try writer.finish()
            }
            print(
                isJSON
                    ? try JSONMessage.encode(ExportResult(manifest, out: folder.path, isDryRun: dryRun))
                    : ExportResult(manifest, out: folder.path, isDryRun: dryRun).text
            )
        } catch {
            if !dryRun { folder.discard() }
            if let error = error as? TableError { throw Failure(error) }
            throw error
        }
    }
}
