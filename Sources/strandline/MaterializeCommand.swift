import ArgumentParser
import ArrowTables
import FeatureModel
import FeatureServer
import StrandlineClient
import WireProtocol

struct MaterializeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "materialize",
        abstract: "Take rows of files into a running server's history.",
        discussion: """
            Examples:
              strandline materialize --source purchases --from purchases.parquet
              strandline materialize --source purchases --from day1.csv day2.csv \\
                  --start 1998-06-01 --end 1998-06-03 --output json
              strandline materialize --source purchases --from purchases.parquet --dry-run

            The files (.parquet, .csv, .arrow) have the source's fields as columns. Rows whose
            event time lies in [start, end) become events of the source. A row is known by its
            content: run again, in other files, another order or an overlapping interval, it
            adds nothing twice; equal rows of one run are events of their own.
            Nothing is ever deleted: rows that the store has in the interval and the files have
            not are reported as gone. Rows that are not accepted are counted and named here;
            they are no dead letters. Times without a zone are UTC.

            Exit status: 0 done, also with rows that were not accepted; 6 with
            --fail-on-rejected when there were some; the others as of every verb.
            """
    )

    @Option(help: "The source whose events the rows are.")
    var source: String

    @Option(parsing: .upToNextOption, help: "Files; their extensions name the formats.")
    var from: [String]

    @Option(help: "Only rows with an event time at or after this one.")
    var start: String?

    @Option(help: "Only rows with an event time before this one.")
    var end: String?

    @Flag(help: "Say what would become of the rows, and write nothing.")
    var dryRun = false

    @Option(parsing: .upToNextOption, help: "Fields that the files do not have: null in every row.")
    var without: [String] = []

    @Option(help: "Declare that the source is complete from this instant on; never later than it was.")
    var availableFrom: String?

    @Flag(help: "Leave with status 6 when rows were not accepted.")
    var failOnRejected = false

    @Option(help: "table or json; json prints the result as one line, the last one.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let (start, end) = (try parseInstant(start, "--start"), try parseInstant(end, "--end"))
        if let start, let end, start >= end {
            throw Failure(.usage, "--start \(start.iso8601) does not lie before --end \(end.iso8601)")
        }
        let declared = try parseInstant(availableFrom, "--available-from")
        guard !from.isEmpty else { throw Failure(.usage, "--from needs at least one file") }
        Table.returnFreedMemory()
        Interruption.leavesNothing()
        let (name, paths, dryRun, without) = (source, from, dryRun, Set(without))
        let clock = ContinuousClock()
        let begun = clock.now
        let result: (report: MaterializeReport, rejected: RejectedRows)
        do {
            result = try await connection.withClient { client in
                let applied = try await AppliedDefinitions.read(client)
                let source = try Self.source(name, in: applied.definition)
                let range = (start?.microseconds ?? .min)..<(end?.microseconds ?? .max)
                let files = try EventFiles(paths, of: source, range: range, without: without)
                let survey = try files.survey()
                Self.noteZone(survey, of: source)
                var batches = EventBatches(files, isOrdered: survey.isOrdered, limits: client.limits) {
                    EventsRequest(
                        source: name,
                        definitionHash: applied.hash,
                        isDryRun: dryRun,
                        times: $0,
                        offsets: $1,
                        columns: $2
                    )
                }
                let tally = try await EventSending(client: client, files: files).send(&batches, total: survey.selected)
                if let declared, !dryRun {
                    let body = try JSONMessage.encode(AvailableFromMessage(source: name, from: declared))
                    _ = try await client.admin("available_from", body)
                }
                let asked = try JSONMessage.encode(FileRowsRequest(source: name, start: start, end: end))
                let stored = try JSONMessage.decode(
                    FileRowsMessage.self,
                    from: try await client.admin("file_rows", asked)
                )
                var report = MaterializeReport(
                    source: name,
                    files: paths,
                    start: start?.iso8601,
                    end: end?.iso8601,
                    dryRun: dryRun,
                    read: survey.read,
                    selected: survey.selected,
                    new: tally.new,
                    present: tally.present,
                    rejected: tally.rejected.reasons,
                    rejectedRows: tally.rejected.named,
                    knownFrom: tally.knownFrom?.iso8601,
                    knownTo: tally.knownTo?.iso8601,
                    availableFrom: stored.availableFrom,
                    seconds: 0
                )
                if start != nil, end != nil { report.compare(tally, stored) }
                let unmet = MaterializeReport.unmet(tally, stored, dryRun: dryRun)
                if unmet > 0 {
                    Failure.print(
                        "strandline: warning: \(unmet) rows from files were there on these days, and none of them is among these; "
                            + "if they are the same rows, the source's schema has changed since, and they now count twice"
                    )
                }
                let (seconds, attoseconds) = (clock.now - begun).components
                report.seconds = Double(seconds) + Double(attoseconds / 1_000_000_000_000) / 1e6
                return (report, tally.rejected)
            }
        } catch let error as TableError {
            throw Failure(error)
        }
        for text in result.rejected.texts { Failure.print("strandline: \(text)") }
        let more = result.rejected.count - result.rejected.texts.count
        if more > 0 { Failure.print("strandline: and \(more) rows more that were not accepted") }
        print(output == .json ? try JSONMessage.encode(result.report) : result.report.text)
        if failOnRejected, result.rejected.count > 0 {
            throw Failure(
                .incomplete,
                "\(result.rejected.count) rows were not accepted; the others are in the store"
            )
        }
    }

    private static func source(_ name: String, in definition: FeatureStoreDefinition) throws -> Source {
        guard let source = definition.sources.first(where: { $0.name == name }) else {
            throw Failure(
                .notFound,
                "no source '\(name)'\(hint(for: name, among: definition.sources.map(\.name), title: "sources"))"
            )
        }
        return source
    }

    private static func noteZone(_ survey: EventFiles.Survey, of source: Source) {
        guard survey.timesWithoutZone > 0 else { return }
        Failure.print(
            "strandline: \(survey.timesWithoutZone) of \(survey.read) times in column '\(source.timestampField)' have no zone and are taken as UTC"
        )
    }
}
