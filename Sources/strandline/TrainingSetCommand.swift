import ArgumentParser
import ArrowTables
import FeatureModel
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

            The label file (.csv, .parquet, .arrow) holds the join keys and a time column;
            its order, duplicates and other columns are kept. All rows read one commit, or,
            with --known-at row-time, each the one that a lookup at its own time would have
            read: late events that were not there yet do not count. A row's own event is
            never inside its windows.
            Derived features take request.amount from the column amount; an empty cell is
            null. --request-columns amount=price takes it from the column price.
            Lists and maps are Arrow lists and maps in Parquet and Arrow files, and JSON
            text in CSV.
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

    @Flag(help: "Leave malformed label rows out and count them, instead of failing on the first.")
    var skipBadRows = false

    @Flag(help: "Add a column <feature>__status for each feature.")
    var statusColumns = false

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let knownAt = try TrainingKnownAt(knownAt: knownAt, knownAtMost: knownAtMost)
        let (service, boundary) = (service, boundary.boundary)
        do {
            let format = try TableFormat(path: out)
            try OutputPlace(out).check()
            let reader = LabelReader(
                path: labels,
                timestampColumn: timestampColumn,
                skipBadRows: skipBadRows,
                requestColumns: try RequestColumns(requestColumns),
                keepsText: format == .csv
            )
            let (labels, result) = try await connection.withClient { client in
                let prepared = try await client.prepare(service: service)
                let labels = try reader.read(joinKeys: prepared.joinKeys, request: prepared.request)
                try checkNames(of: prepared.features, in: labels.table)
                let builder = TrainingSetBuilder(client: client, prepared: prepared, boundary: boundary)
                return (labels, try await builder.build(labels, knownAt: knownAt))
            }
            var table = labels.table
            try result.append(to: &table, statusColumns: statusColumns)
            let record = knownAt.record(used: result.knownAt)
            var metadata = ["strandline.service": service]
            for (key, value) in record { metadata["strandline.\(key)"] = value }
            try table.write(path: out, metadata: metadata)
            let skipped = skipBadRows ? " skipped=\(labels.skippedCount)" : ""
            let known = record.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            print("rows=\(labels.count)\(skipped) features=\(result.features.count) \(known) out=\(out)")
        } catch let error as TableError {
            throw Failure(error)
        }
    }

    /// Before hours of reading, and not when the columns are appended.
    private func checkNames(of features: [PreparedReply.Feature], in table: Table) throws {
        let names = TrainingColumns.names(of: features)
        let added = statusColumns ? names.flatMap { [$0, TrainingColumns.statusName(of: $0)] } : names
        guard let taken = added.first(where: table.columnNames.contains) else { return }
        throw Failure(
            .usage,
            "\(labels): cannot add column '\(taken)': the table has a column of that name already; give it another name"
        )
    }
}

extension Failure {
    fileprivate init(_ error: TableError) {
        let status: Status =
            switch error.code {
            case .noSuchFile: .notFound
            case .inputOutput, .outOfMemory, .internal: .failed
            default: .usage
            }
        self.init(status, error.description)
    }
}
