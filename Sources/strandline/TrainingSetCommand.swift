import ArgumentParser
import ArrowTables
import FeatureModel
import FeatureRepository
import FeatureServer
import StrandlineClient
import WireProtocol

struct TrainingSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training-set",
        abstract: "Add every feature of a service to label rows, as of each row's own time.",
        discussion: """
            Examples:
              strandline training-set --labels labels.csv --service repeat_purchase \\
                  --out train.parquet
              strandline training-set --labels labels.parquet \\
                  --service repeat_purchase@1 --out train.csv --status-columns
              strandline training-set --labels labels.csv --service repeat_purchase \\
                  --out train.parquet --known-at row-time
              strandline training-set --labels labels.csv --service repeat_purchase \\
                  --out train.parquet --embargo 1h --timestamp-zone Europe/Berlin
              strandline training-set --labels labels.csv --service repeat_purchase \\
                  --out train.parquet --dry-run

            The label file (.csv, .parquet, .arrow) holds the join keys and a time column;
            its order, duplicates and other columns are kept. All rows read one commit, or,
            with --known-at row-time, each the one that a lookup at its own time would have
            read: late events that were not there yet do not count. A row's own event is
            never inside its windows.
            Derived features take request.amount from the column amount; an empty cell is
            null. --request-columns amount=price takes it from the column price.
            Lists and maps are Arrow lists and maps in Parquet and Arrow files, and JSON
            text in CSV.
            The label file is read twice, and the rows go to the output in pieces, so labels may
            be larger than memory; --memory bounds the pieces, and does not show in the file.
            Beside the output stands OUT.manifest.json: definitions, offsets, K, rules and
            checksums. strandline verify checks both against the live store.
            """
    )

    @Option(help: "The label file.")
    var labels: String

    @Option(help: "A feature service: name for its newest version, or name@version.")
    var service: String

    @Option(help: "The file to write; its extension names the format.")
    var out: String

    @Option(help: "The time column; default: event_timestamp or timestamp.")
    var timestampColumn: String?

    @Option(
        parsing: .upToNextOption,
        help: "Columns of request values that go by another name, each name=column."
    )
    var requestColumns: [String] = []

    @Option(
        help:
            "K: only events that had arrived by then count; row-time: by each row's own time; default: the newest commit."
    )
    var knownAt: String?

    @Option(help: "Beside --known-at row-time: the latest K of any row; default: the newest commit.")
    var knownAtMost: String?

    @Option(help: "strict: [T - w, T); inclusive: (T - w, T].")
    var boundary = BoundaryOption.strict

    @Option(
        parsing: .upToNextOption,
        help: "Read each row that much earlier than its time, such as 1h; for one view: view=2h."
    )
    var embargo: [String] = []

    @Option(help: "The zone of times that are written without one, such as Europe/Berlin; default: UTC.")
    var timestampZone: String?

    @Flag(help: "Leave malformed label rows out and count them, instead of failing on the first.")
    var skipBadRows = false

    @Flag(help: "Add a column <feature>__status for each feature.")
    var statusColumns = false

    @Flag(help: "Add a column <feature>__event_time for each feature: the newest event that counted.")
    var eventTimeColumns = false

    @Option(help: "What the rows under way may take, from 1MiB; more makes fewer passes over busy entities.")
    var memory = "128MiB"

    @Flag(help: "Check labels, definitions and options, say what would be written, and write nothing.")
    var dryRun = false

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let options = try options()
        let (service, labels, dryRun, skipBadRows) = (service, labels, dryRun, skipBadRows)
        do {
            let format = try TableFormat(path: out)
            let output = TrainingSetOutput(path: out, statusColumns: statusColumns, eventTimeColumns: eventTimeColumns)
            try output.check()
            let reader = LabelReader(
                path: labels,
                timestampColumn: timestampColumn,
                skipBadRows: skipBadRows,
                requestColumns: try RequestColumns(requestColumns),
                keepsText: format == .csv,
                zone: options.zone
            )
            Interruption.leavesNothing()
            let made = try await connection.withClient { client -> TrainingSetManifest? in
                let prepared = try await client.prepare(service: service)
                let snapshot = try await client.snapshot(of: service)
                let groups = try await TrainingGroups(prepared, snapshot.features, options.embargo, client: client)
                let files = try await TrainingFiles.open(
                    reader,
                    joinKeys: prepared.joinKeys,
                    request: prepared.request,
                    output: output
                )
                let survey = try await files.survey()
                try checkNames(of: prepared.features, among: files.columnNames)
                noteZone(of: survey, files.timestampColumn, options.zone)
                guard dryRun else {
                    return try await TrainingSetBuild(
                        client: client,
                        options: options,
                        groups: groups,
                        snapshot: snapshot,
                        files: files,
                        survey: survey
                    ).run()
                }
                let plan = TrainingSetPlan(survey, snapshot, groups, options)
                print(options.isJSON ? try JSONMessage.encode(plan) : plan.text)
                return nil
            }
            guard let manifest = made else { return }
            let result = TrainingSetResult(manifest, out: out)
            print(
                options.isJSON
                    ? try JSONMessage.encode(result)
                    : result.text(embargo: options.embargo, zone: options.zone, skips: skipBadRows)
            )
        } catch let error as TableError {
            throw Failure(error)
        }
    }

    private func options() throws -> TrainingSetOptions {
        guard let memory = byteCount(in: memory), memory >= TrainingBudget.least else {
            throw Failure(.usage, "--memory: '\(memory)' is not a number of bytes from 1MiB such as 64MiB")
        }
        return TrainingSetOptions(
            out: out,
            labels: labels,
            zone: try TimestampZone(timestampZone),
            embargo: try TrainingEmbargo(embargo),
            knownAt: try TrainingKnownAt(knownAt: knownAt, knownAtMost: knownAtMost),
            boundary: boundary.boundary,
            statusColumns: statusColumns,
            eventTimeColumns: eventTimeColumns,
            memory: memory,
            isJSON: output == .json
        )
    }

    /// A zone that nobody named is an assumption: whoever reads the output should know of it.
    private func noteZone(of survey: LabelSurvey, _ timestampColumn: String, _ zone: TimestampZone) {
        guard survey.timesWithoutZone > 0, !zone.isGiven else { return }
        Failure.print(
            "strandline: \(survey.timesWithoutZone) of \(survey.count) times in column '\(timestampColumn)' are "
                + "written without a zone and are taken as UTC; --timestamp-zone names another"
        )
    }

    /// Before hours of reading, and not when the columns are appended.
    private func checkNames(of features: [PreparedReply.Feature], among columnNames: [String]) throws {
        let names = TrainingColumns.names(of: features)
        let added = names.flatMap { name in
            [name] + (statusColumns ? [TrainingColumns.statusName(of: name)] : [])
                + (eventTimeColumns ? [TrainingColumns.eventTimeName(of: name)] : [])
        }
        guard let taken = added.first(where: columnNames.contains) else { return }
        throw Failure(
            .usage,
            "\(labels): cannot add column '\(taken)': the table has a column of that name already; give it another name"
        )
    }
}

extension Failure {
    init(_ error: TableError) {
        let status: Status =
            switch error.code {
            case .noSuchFile: .notFound
            case .inputOutput, .outOfMemory, .internal: .failed
            default: .usage
            }
        self.init(status, error.description)
    }
}
