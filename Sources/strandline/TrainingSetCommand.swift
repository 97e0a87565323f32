import ArgumentParser
import ArrowTables
import FeatureModel
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

    @Flag(help: "Check labels, definitions and options, say what would be written, and write nothing.")
    var dryRun = false

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let knownAt = try TrainingKnownAt(knownAt: knownAt, knownAtMost: knownAtMost)
        let embargo = try TrainingEmbargo(embargo)
        let (service, boundary, isJSON, dryRun) = (service, boundary.boundary, output == .json, dryRun)
        do {
            let format = try TableFormat(path: out)
            let files = TrainingSetOutput(path: out, labelPath: labels)
            try files.check()
            let reader = LabelReader(
                path: labels,
                timestampColumn: timestampColumn,
                skipBadRows: skipBadRows,
                requestColumns: try RequestColumns(requestColumns),
                keepsText: format == .csv,
                zone: try TimestampZone(timestampZone)
            )
            Interruption.leavesNothing()
            let made = try await connection.withClient { client -> TrainingSet? in
                let prepared = try await client.prepare(service: service)
                let snapshot = try await client.snapshot(of: service)
                let groups = try await TrainingGroups(prepared, snapshot.features, embargo, client: client)
                let labels = try reader.read(joinKeys: prepared.joinKeys, request: prepared.request)
                try checkNames(of: prepared.features, in: labels.table)
                noteZone(of: labels, reader.zone)
                let pinned = knownAt.pinned(at: snapshot.instant)
                if dryRun {
                    let plan = TrainingSetPlan(
                        labels,
                        snapshot,
                        groups,
                        pinned,
                        boundary,
                        embargo,
                        reader.zone,
                        out: out
                    )
                    print(isJSON ? try JSONMessage.encode(plan) : plan.text)
                    return nil
                }
                let columns = try await groups.build(
                    labels,
                    client: client,
                    knownAt: pinned,
                    boundary: boundary,
                    isJSON: isJSON
                )
                guard try await client.snapshot(of: snapshot.service).serviceHash == snapshot.serviceHash else {
                    throw Failure(.failed, "the definitions changed while the training set was read; start it again")
                }
                return TrainingSet(
                    labels: labels,
                    reader: reader,
                    columns: columns,
                    groups: groups,
                    snapshot: snapshot,
                    embargo: embargo,
                    knownAt: knownAt,
                    boundary: boundary
                )
            }
            guard let made else { return }
            let manifest = try files.write(
                made,
                statusColumns: statusColumns,
                eventTimeColumns: eventTimeColumns
            )
            if isJSON {
                print(try JSONMessage.encode(TrainingSetResult(manifest, out: out)))
                return
            }
            let skipped = skipBadRows ? " skipped=\(made.labels.skippedCount)" : ""
            let known = knownAt.record(used: made.columns.knownAt).map { "\($0.key)=\($0.value)" }
            let rules =
                known + [
                    "boundary=\(manifest.timeRules.boundary)", "embargo=\(embargo.text)", "zone=\(reader.zone.name)",
                ]
            print(
                "rows=\(made.labels.count)\(skipped) features=\(made.columns.features.count) "
                    + rules.joined(separator: " ") + " out=\(out) manifest=\(TrainingSetManifest.path(of: out))"
            )
        } catch let error as TableError {
            throw Failure(error)
        }
    }

    /// A zone that nobody named is an assumption: whoever reads the output should know of it.
    private func noteZone(of labels: Labels, _ zone: TimestampZone) {
        guard labels.timesWithoutZone > 0, !zone.isGiven else { return }
        Failure.print(
            "strandline: \(labels.timesWithoutZone) of \(labels.count) times in column '\(labels.timestampColumn)' are "
                + "written without a zone and are taken as UTC; --timestamp-zone names another"
        )
    }

    /// Before hours of reading, and not when the columns are appended.
    private func checkNames(of features: [PreparedReply.Feature], in table: Table) throws {
        let names = TrainingColumns.names(of: features)
        let added = names.flatMap { name in
            [name] + (statusColumns ? [TrainingColumns.statusName(of: name)] : [])
                + (eventTimeColumns ? [TrainingColumns.eventTimeName(of: name)] : [])
        }
        guard let taken = added.first(where: table.columnNames.contains) else { return }
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
