import ArgumentParser
import FeatureServer

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show how long lookups take inside a server.",
        discussion: """
            Examples:
              strandline stats
              strandline stats --output json

            From the last byte of a request to its whole answer, in microseconds, for
            each feature service and protocol, since the server started.
            """
    )

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        let stats = try await connection.admin("stats", NoBody(), as: StatsMessage.self)
        if output == .json {
            print(try JSONMessage.encode(stats))
            return
        }
        guard !stats.lookups.isEmpty else {
            print("no lookup yet")
            return
        }
        var table = TextTable(
            header: ["service", "protocol", "lookups", "rows", "mean us", "p50", "p90", "p99", "p99.9", "max"],
            alignsRight: [false, false] + Array(repeating: true, count: 8)
        )
        for lookups in stats.lookups {
            let times = lookups.microseconds
            let figures = [times.mean, times.p50, times.p90, times.p99, times.p999, times.max].map(Self.tenths)
            table.append(
                [lookups.service, lookups.protocol, String(lookups.count), String(lookups.rows)] + figures
            )
        }
        print(table.text)
    }

    /// With one digit after the point.
    private static func tenths(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}
