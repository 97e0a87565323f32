import ArgumentParser
import FeatureHistory
import FeatureModel

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Open a store that ingest left behind, and compare random values with a plain count over the topic.",
        discussion: """
            Values are drawn as (entity, T, feature). The plain count reads the records' text by itself, adds integers
            and rounds once. Every value must be the same bit for bit.

              strandline-bench check --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh --seed 7
            """
    )

    @OptionGroup var arguments: StoreArguments

    @Option(help: "How many values to compare.")
    var values = 10_000

    @Option(help: "Seed of what is drawn; random when absent, and printed.")
    var seed: UInt64?

    func run() throws {
        let seed = seed ?? UInt64.random(in: 0..<1_000_000_000)
        let began = Measure.nanoseconds()
        let store = try arguments.open()
        defer { store.close() }
        let opened = Measure.nanoseconds()
        let topic = try PlainTopic(arguments.bootstrap, arguments.topic, try arguments.extent())
        let counters = store.counterValues
        guard counters["events/\(BenchDefinition.source)"] == UInt64(topic.count), counters.count == 1 else {
            throw BenchError("the topic has \(topic.count) records, but the store counts \(counters)")
        }
        let queries = PlainQuery.draw(values, from: topic, seed: seed)
        let expected = topic.answers(to: queries)
        let plan = try LookupPlan(BenchDefinition.references, in: store.catalog)
        let scratch = ReadScratch()
        var empty = 0
        for (query, expected) in zip(queries, expected) {
            let found = try query.read(store, plan, scratch)
            guard PlainQuery.isSame(found, expected) else {
                throw BenchError("seed \(seed), \(query): the store says \(found), a plain count \(expected)")
            }
            if expected == .null || expected == .int64(0) { empty += 1 }
        }
        printLine(
            [
                "seed": String(seed), "values": String(queries.count), "equal": String(queries.count),
                "of_empty_windows": String(empty), "entities": String(Set(queries.map(\.user)).count),
                "reopen_seconds": fixed(Double(opened - began) / 1e9, 2),
                "seconds": fixed(Double(Measure.nanoseconds() - began) / 1e9, 2),
            ],
            title: "checked"
        )
    }
}
