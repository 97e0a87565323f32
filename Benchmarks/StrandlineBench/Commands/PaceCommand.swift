import ArgumentParser

struct PaceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pace",
        abstract: "Send records at an even rate; a record's event time is the moment when it was sent.",
        discussion: """
            Records are dealt to the partitions in runs of --run-length.

              strandline-bench pace --bootstrap 127.0.0.1:40123 --topic events --records 3000000 --rate 300000
            """
    )

    @Option(help: "host:port of the broker.")
    var bootstrap: String

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "Its partitions.")
    var partitions = 280

    @Option(help: "Records a second.")
    var rate: Double

    @OptionGroup var records: RecordOptions

    func validate() throws {
        guard rate > 0 else { throw ValidationError("--rate must be above 0") }
    }

    func run() throws {
        var filling = TopicFilling(topic: topic, partitions: partitions, runLength: records.runLength)
        filling.rate = rate
        let processor = Measure.processorMicroseconds()
        let sent = try filling.fill(bootstrap, records.generator(), 0..<records.records)
        let used = Double(Measure.processorMicroseconds() - processor)
        printLine(
            [
                "records": String(sent.records), "seconds": fixed(sent.seconds, 3),
                "records_per_s": fixed(Double(sent.records) / sent.seconds, 0),
                "behind_max_ms": fixed(Double(sent.behindMax) / 1e6, 1),
                "cpu_us_per_record": fixed(used / Double(sent.records), 3),
            ],
            title: "sent"
        )
    }
}
