import ArgumentParser
import FeatureHistory
import FeatureModel
import Glibc
import Ingest
import KafkaLog
import Logging

struct IngestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Read a topic into a fresh store, until every record is committed and can be looked up.",
        discussion: """
            One view: count, sum, mean and max of `amount` over 1h, 7d and 30d. Timed from the assignment of the
            partitions to the commit of the last record; then the counters are compared with the topic, and some
            entities with a plain count over the topic.

              strandline-bench ingest --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh
              strandline-bench ingest --bootstrap 127.0.0.1:40123 --topic events --data /tmp/fresh --waterfall
            """
    )

    @Option(help: "host:port of the broker.")
    var bootstrap: String

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "An empty or new directory for the store.")
    var data: String

    @Option(help: "The shortest time between two commits, milliseconds.")
    var commitInterval = 20

    @Option(help: "The store's memory budget, MiB.")
    var memory = 2048

    @Option(help: "Events after which the store folds them into leaves; the store's own default when absent.")
    var foldAfter: Int?

    @Flag(help: "Measure the stages before it too: consume only, and consume and decode.")
    var waterfall = false

    @Flag(inversion: .prefixedNo, help: "Compare some entities with a plain count.")
    var check = true

    @OptionGroup var kafka: KafkaOptions

    func run() throws {
        let surveyor = try KafkaConsumer(KafkaSettings(bootstrapServers: bootstrap))
        let extent = try TopicExtent(topic, surveyor)
        surveyor.close()
        if waterfall { try Waterfall(bootstrap: bootstrap, kafka: kafka.settings, topic: topic, extent: extent).run() }
        let store = try makeStore()
        defer { store.close() }
        let before = Measure.residentBytes()
        let (rate, startup, commits) = try ingest(extent, store)
        printLine(rate.line)
        printLine([
            "startup_seconds": fixed(startup, 3), "commits": String(commits),
            "resident_bytes": String(Measure.residentBytes() - before), "rss_bytes": String(Measure.residentBytes()),
        ])
        try checkCounters(store, rate.records)
        if check {
            let entities = try IngestCheck(bootstrap: bootstrap, topic: topic, extent: extent).run(store)
            printLine(["checked_entities": String(entities)])
        }
    }

    private func makeStore() throws -> FeatureStore {
        mkdir(data, 0o755)
        var options = StoreOptions(memoryBudget: memory << 20)
        if let foldAfter { options.unfoldedEventsMax = foldAfter }
        let store = try FeatureStore(directory: data, options: options) {
            Instant(microseconds: Measure.wallMicroseconds())
        }
        guard store.newestCommit == Instant(microseconds: 0) else { throw BenchError("\(data) holds a store already") }
        try store.apply(BenchDefinition.make(topic: topic), definitionHash: "bench", files: [])
        return store
    }

    /// Runs ingest until every record of the topic is committed.
    private func ingest(_ extent: TopicExtent, _ store: FeatureStore) throws -> (
        EventRate, startup: Double, commits: UInt64
    ) {
        var options = IngestOptions(
            kafka: [("bootstrap.servers", bootstrap)] + kafka.settings.map { ($0.name, $0.value) }
        )
        options.commitIntervalMilliseconds = commitInterval
        let log = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let service = IngestService(store: store, options: options, log: log)
        let total = UInt64(extent.records)
        let started = Measure.nanoseconds()
        service.start()
        defer { service.stop() }
        // The state changes right after the assignment; it is looked at every 0.2 ms.
        try wait(service, microseconds: 200) { $0.state == .consuming }
        let assigned = Measure.nanoseconds()
        let processor = Measure.processorMicroseconds()
        // A record is counted in the status once its commit is done and visible.
        try wait(service, microseconds: 1000) { $0.records >= total }
        let ended = Measure.nanoseconds()
        let rate = EventRate(
            records: Int(service.status.records),
            seconds: Double(ended - assigned) / 1e9,
            processorMicroseconds: Measure.processorMicroseconds() - processor
        )
        return (rate, Double(assigned - started) / 1e9, service.status.commits)
    }

    private func wait(_ service: IngestService, microseconds: UInt32, _ isDone: (IngestStatus) -> Bool) throws {
        var last = (records: UInt64(0), at: Measure.nanoseconds())
        while true {
            let status = service.status
            if isDone(status) { return }
            if status.state == .halted { throw BenchError("ingest halted: \(status.problem ?? "")") }
            let now = Measure.nanoseconds()
            if status.records != last.records { last = (status.records, now) }
            guard now - last.at < 60_000_000_000 else {
                throw BenchError(
                    "no progress for 60 s; \(status.records) records, \(status.problem ?? "no problem told")"
                )
            }
            usleep(microseconds)
        }
    }

    private func checkCounters(_ store: FeatureStore, _ records: Int) throws {
        let counters = store.counterValues
        guard counters["events/\(BenchDefinition.source)"] == UInt64(records), counters.keys.count == 1 else {
            throw BenchError("\(records) records were consumed, but the store counts \(counters)")
        }
    }
}

/// What the benchmark's store computes: 3 windows x 4 aggregates.
enum BenchDefinition {
    static let source = "bench"
    static let view = "spending"
    static let windows = ["1h", "7d", "30d"]
    static let functions: [AggregateFunction] = [.count, .sum, .mean, .max]

    static func make(topic: String) -> FeatureStoreDefinition {
        let schema = [Field(name: "user_id", type: .int64), Field(name: "amount", type: .float64)]
        let aggregations = windows.compactMap { TimeWindow($0) }.flatMap { window in
            functions.map { Aggregation(function: $0, column: $0 == .count ? nil : "amount", timeWindow: window) }
        }
        return FeatureStoreDefinition(
            project: "bench",
            entities: [Entity(name: "user", joinKeys: [Field(name: "user_id", type: .int64)])],
            sources: [
                Source(
                    name: source,
                    topic: topic,
                    timestampField: "ts",
                    timestampFormat: .epochMicroseconds,
                    deadLetterTopic: nil,
                    schema: schema
                )
            ],
            featureViews: [FeatureView(name: view, entity: "user", source: source, aggregations: aggregations)]
        )
    }

    static var references: [FeatureReference] {
        windows.compactMap { TimeWindow($0) }.flatMap { window in
            functions.map { function in
                let column = function == .count ? nil : "amount"
                let name = Aggregation.defaultName(function: function, column: column, timeWindow: window, offset: 0)
                return FeatureReference(view: view, feature: name)
            }
        }
    }
}
