import ArgumentParser

struct ProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce-bench",
        abstract: "Send a part of a benchmark's records to a broker that runs elsewhere.",
        discussion: """
            The key decides the partition, as in production, or runs of records are dealt to --partitions. A development
            broker keeps 5 MiB a partition: send parts, and let the reader catch up in between.

              strandline-bench produce-bench --bootstrap 127.0.0.1:9092 --topic events --records 2000000 --uniform \\
                  --until 1764000000000000 --first 0 --count 100000
            """
    )

    @Option(help: "host:port of the broker.")
    var bootstrap: String

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "The number of the first record to send.")
    var first = 0

    @Option(help: "How many records to send; all that are left when absent.")
    var count: Int?

    @Option(help: "Deal runs of records to this many partitions.")
    var partitions: Int?

    @OptionGroup var records: RecordOptions

    func run() throws {
        guard first >= 0, first <= records.records else { throw BenchError("--first lies outside of the records") }
        let end = count.map { min(records.records, first + max(0, $0)) } ?? records.records
        let filling = TopicFilling(topic: topic, partitions: partitions, runLength: records.runLength)
        let sent = try filling.fill(bootstrap, records.generator(), first..<end)
        printLine(["records": String(sent.records), "bytes": String(sent.bytes)], title: "sent")
    }
}
