import ArgumentParser
import FeatureServer

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what a server is doing: lag, commits, dead letters.",
        discussion: """
            Examples:
              strandline status
              strandline status --output json
            """
    )

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let status = try await connection.admin("status", NoBody(), as: StatusMessage.self)
        if output == .json {
            print(try JSONMessage.encode(status))
            return
        }
        print("project \(status.project), definition \(status.definitionHash.prefix(12)), version \(status.version)")
        if let ingest = status.ingest {
            print(
                "ingest \(ingest.state)" + (ingest.problem.map { ": \($0)" } ?? "")
                    + ", \(ingest.events) events, \(ingest.deadLetters) dead letters, lag \(ingest.lag.map(String.init) ?? "unknown")"
            )
        } else {
            print("ingest is off")
        }
        print(
            "store \(status.store.commits) commits, newest \(status.store.newestCommit ?? "none"), \(status.store.residentEntities) entities in memory (\(status.store.residentBytes >> 20) MiB)"
        )
        for (source, horizon) in status.store.horizons.sorted(by: { $0.key < $1.key }) {
            print("source \(source) has dropped history before \(horizon)")
        }
        if let failure = status.store.failure { print("store failed: \(failure)") }
        for partition in status.ingest?.partitions ?? [] where partition.problem != nil {
            print("\(partition.topic)/\(partition.partition): \(partition.problem ?? "")")
        }
        for (name, value) in status.counters.sorted(by: { $0.key < $1.key }) { print("  \(name) \(value)") }
    }
}

struct FeaturesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "List the features and services that are applied.",
        discussion: """
            Examples:
              strandline features
              strandline features --output json
            """
    )

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let description = try await connection.admin("describe", NoBody(), as: DescribeMessage.self)
        if output == .json {
            print(try JSONMessage.encode(description))
            return
        }
        var table = TextTable(
            header: ["feature", "type", "meaning", "entity", "source"],
            alignsRight: Array(repeating: false, count: 5)
        )
        for feature in description.features {
            let (entity, source) = (feature.entity ?? "-", feature.source ?? "-")
            table.append([feature.reference, feature.type, Self.meaning(of: feature), entity, source])
        }
        print(table.text)
        for service in description.services {
            let request = service.request.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
            print(
                "\nservice \(service.name)@\(service.version) (\(service.joinKeys.joined(separator: ", "))): \(service.features.count) features"
                    + (request.isEmpty ? "" : ", request values \(request)")
            )
        }
    }

    private static func meaning(of feature: DescribeMessage.Feature) -> String {
        if let expression = feature.expression { return expression }
        let offset = feature.offset.map { " that ended \($0) before" } ?? ""
        return (feature.function ?? "") + (feature.parameters.map { "(\($0))" } ?? "")
            + (feature.column.map { " of \($0)" } ?? "") + (feature.groupBy.map { " by \($0)" } ?? "")
            + (feature.timeWindow.map { " over \($0)\(offset)" } ?? "")
            + (feature.maxAge.map { ", at most \($0) old" } ?? "")
            + (feature.filter.map { " where \($0)" } ?? "") + (feature.errorBound.map { ", \($0)" } ?? "")
    }
}

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "List records that were not accepted, and why.",
        discussion: """
            Examples:
              strandline dead-letters
              strandline dead-letters --after 100 --limit 50 --output json
            """
    )

    @Option(help: "Begin after this sequence number.")
    var after: UInt64 = 0

    @Option(help: "At most this many, 1 to 10000.")
    var limit = 100

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let message = try await connection.admin(
            "dead_letters",
            DeadLettersRequest(after: after, limit: limit),
            as: DeadLettersMessage.self
        )
        if output == .json {
            print(try JSONMessage.encode(message))
            return
        }
        var table = TextTable(
            header: ["sequence", "record", "reason", "message"],
            alignsRight: [true, false, false, false]
        )
        for letter in message.letters {
            table.append([
                "\(letter.sequence)", "\(letter.topic)/\(letter.partition)@\(letter.offset)", letter.reason,
                letter.message,
            ])
        }
        print(table.text)
        print(
            "\(message.kept) kept, \(message.waiting) not forwarded yet, \(message.dropped) dropped from a full outbox"
        )
    }
}
