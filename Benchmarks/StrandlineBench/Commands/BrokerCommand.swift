import ArgumentParser
import Glibc
import KafkaLog

struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run a development broker with a filled topic until stdin closes.",
        discussion: """
            Prints bootstrap=host:port, then filled records=.. bytes=.. when the topic is complete.

              strandline-bench broker --topic events --partitions 200 --records 3000000 --keys 100000
              strandline-bench broker --topic events --partitions 50 --records 500000 --keys 100000 --uniform
              strandline-bench broker --topic events --empty
            """
    )

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "Its partitions.")
    var partitions = 280

    @Flag(help: "Leave the topic empty.")
    var empty = false

    @OptionGroup var records: RecordOptions

    func run() throws {
        if !empty {
            try TopicFilling.checkFits(
                records: records.records,
                recordBytes: records.recordBytes,
                partitions: partitions
            )
        }
        let broker = try DevelopmentBroker()
        try broker.createTopic(topic, partitions: partitions)
        printLine(["bootstrap": broker.bootstrapServers])
        if !empty { try fill(broker) }
        var byte: UInt8 = 0
        while read(0, &byte, 1) > 0 {}
        broker.close()
    }

    private func fill(_ broker: DevelopmentBroker) throws {
        let filling = TopicFilling(topic: topic, partitions: partitions, runLength: records.runLength)
        let filled = try filling.fill(broker.bootstrapServers, records.generator(), 0..<records.records)
        try check(broker, filled)
        printLine(["records": String(filled.records), "bytes": String(filled.bytes)], title: "filled")
    }

    /// The broker drops the oldest batches of a partition that gets too large; a benchmark must not miss them.
    private func check(_ broker: DevelopmentBroker, _ filled: TopicFilling.Result) throws {
        let consumer = try KafkaConsumer(KafkaSettings(bootstrapServers: broker.bootstrapServers))
        defer { consumer.close() }
        let extent = try TopicExtent(topic, consumer)
        guard extent.records == filled.records, extent.partitions.allSatisfy({ $0.low == 0 }) else {
            throw BenchError("the broker kept \(extent.records) of \(filled.records) records")
        }
    }
}
