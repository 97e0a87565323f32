import ArgumentParser
import FeatureModel
import StrandlineClient
import WireProtocol

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Look up the features of one entity.",
        discussion: """
            Examples:
              strandline get customer_id=42 --service repeat_purchase
              strandline get customer_id=42 --service repeat_purchase --as-of 1998-06-30
              strandline get customer_id=42 --features customer_purchases:count_30d
              strandline get customer_id=42 --service checkout \\
                  --request amount=12.5

            A window of 30d as of T covers [T - 30d, T): an event at T itself is not
            counted.
            """
    )

    @Argument(help: "The join keys, each name=value.")
    var entity: [String] = []

    @Option(help: "A feature service: name for its newest version, or name@version.")
    var service: String?

    @Option(parsing: .upToNextOption, help: "Features, each view:feature.")
    var features: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: "Values that derived features take from a request, each name=value; null is written null."
    )
    var request: [String] = []

    @Option(help: "T, ISO 8601, UTC without a zone; default: the server's now.")
    var asOf: String?

    @Option(help: "K: only events that had arrived by then count; default: all.")
    var knownAt: String?

    @Option(help: "strict: [T - w, T); inclusive: (T - w, T].")
    var boundary = BoundaryOption.strict

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        guard (service != nil) != !features.isEmpty else {
            throw Failure(.usage, "give either --service or --features")
        }
        if let wrong = features.first(where: { FeatureReference($0) == nil }) {
            throw Failure(
                .usage,
                "--features: '\(wrong)' is not a feature; write view:feature, for example customer_purchases:count_30d"
            )
        }
        let entity = try EntityArguments(entity)
        let request = try RequestArguments(request)
        let asOf = try parseInstant(asOf, "--as-of")
        if knownAt == TrainingKnownAt.rowTime {
            throw Failure(
                .usage,
                "--known-at: row-time is for training sets, whose rows have times of their own; a lookup has one T: give it to --known-at"
            )
        }
        let knownAt = try parseInstant(knownAt, "--known-at")
        let (service, features, boundary) = (service, features, boundary.boundary)
        let result = try await connection.withClient { client in
            let prepared: PreparedLookup
            if let service {
                prepared = try await client.prepare(service: service)
            } else {
                prepared = try await client.prepare(references: features)
            }
            let key = try entity.key(prepared.joinKeys)
            return try await client.lookup(
                prepared,
                entities: [key],
                request: [try request.row(prepared.request)],
                asOf: asOf,
                knownAt: knownAt,
                boundary: boundary,
                eventTimes: true
            )
        }
        guard let cells = result.rows.first else { throw Failure(.failed, "the reply holds no row") }
        print(output == .json ? json(result, cells) : table(result, cells))
    }

    private func table(_ result: LookupResult, _ cells: [FeatureCell]) -> String {
        var table = TextTable(header: ["feature", "value", "status", "age"], alignsRight: [false, true, false, true])
        for (feature, cell) in zip(result.features, cells) {
            table.append([feature.reference, cell.value.text, cell.status.name, age(of: cell, at: result.asOf)])
        }
        return "\(entity.joined(separator: " "))  as of \(result.asOf.iso8601)  known at \(result.knownAt.iso8601)\n"
            + table.text
    }

    /// How long before T the newest event that counted happened.
    private func age(of cell: FeatureCell, at asOf: Instant) -> String {
        guard let eventTime = cell.eventTime, eventTime != .distantPast else { return "-" }
        let seconds = asOf.microseconds.subtractingReportingOverflow(eventTime.microseconds).partialValue / 1_000_000
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }

    private func json(_ result: LookupResult, _ cells: [FeatureCell]) -> String {
        let features = zip(result.features, cells).map { feature, cell in
            let time = cell.eventTime.flatMap { $0 == .distantPast ? nil : "\"\($0.iso8601)\"" } ?? "null"
            return
                "\(jsonText(feature.reference)):{\"value\":\(cell.value.json),\"status\":\"\(cell.status.name)\",\"event_time\":\(time)}"
        }
        return
            "{\"as_of\":\"\(result.asOf.iso8601)\",\"known_at\":\"\(result.knownAt.iso8601)\",\"features\":{\(features.joined(separator: ","))}}"
    }
}

enum BoundaryOption: String, ExpressibleByArgument, CaseIterable {
    case strict, inclusive

    var boundary: Boundary { self == .strict ? .strict : .inclusive }
}
