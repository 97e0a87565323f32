// Measures Strandline and what it is measured against. Benchmarks/README.md says how, and what each line means.

import ArgumentParser

@main
struct StrandlineBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strandline-bench",
        abstract: "Load and rivals for measuring Strandline.",
        discussion: """
            Every command prints lines of name=value. The scripts in Benchmarks/ join the commands; by hand:

              strandline-bench broker --topic events --partitions 280 < /dev/tty
              strandline-bench raw-consume --bootstrap 127.0.0.1:40123 --topic events
              strandline-bench ingest --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh
              strandline-bench load --protocol redis --address 127.0.0.1:7399 --connections 64 --seconds 5
            """,
        subcommands: [
            BrokerCommand.self, ProduceCommand.self, PaceCommand.self, RawConsumeCommand.self, StageCommand.self,
            IngestCommand.self, CheckCommand.self, LatencyCommand.self, LoadCommand.self, CheckRepliesCommand.self,
            FillRedisCommand.self, EchoCommand.self, RecordColumnsCommand.self, WindowsCommand.self,
            DerivedCommand.self,
        ]
    )
}

/// What went wrong, in a sentence.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
