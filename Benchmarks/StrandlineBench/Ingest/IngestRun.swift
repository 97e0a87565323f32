import ArgumentParser
import FeatureHistory
import FeatureModel
import Glibc
import Ingest
import KafkaLog
import Logging

/// Where a store of the benchmark reads and writes.
struct StoreArguments: ParsableArguments {
    @Option(help: "host:port of the broker.")
    var bootstrap: String

    @Option(help: "The topic's name.")
    var topic: String

    @Option(help: "The store's directory.")
    var data: String

    @Option(help: "The shortest time between two commits, milliseconds; the server's own default when absent.")
    var commitInterval: Int?

    @Option(help: "The store's memory budget, MiB.")
    var memory = 2048

    @Option(help: "Events after which the store folds them into leaves; the store's own default when absent.")
    var foldAfter: Int?

    @OptionGroup var kafka: KafkaOptions

    /// The topic's partitions as they are now.
    func extent() throws -> TopicExtent {
        let surveyor = try KafkaConsumer(KafkaSettings(bootstrapServers: bootstrap))
        defer { surveyor.close() }
        return try TopicExtent(topic, surveyor)
    }

    var ingestOptions: IngestOptions {
        let settings = kafka.settings.map { ($0.name, $0.value) }
        var options = IngestOptions(kafka: [("bootstrap.servers", bootstrap)] + settings)
        if let commitInterval { options.commitIntervalMilliseconds = commitInterval }
        return options
    }

    /// Opens the store, with the benchmark's definition applied.
    func open() throws -> FeatureStore {
        mkdir(data, 0o755)
        var options = StoreOptions(memoryBudget: memory << 20)
        if let foldAfter { options.unfoldedEventsMax = foldAfter }
        let store = try FeatureStore(directory: data, options: options) {
            Instant(microseconds: Measure.wallMicroseconds())
        }
        try store.apply(BenchDefinition.make(topic: topic), definitionHash: "bench", files: [])
        return store
    }

    func openFresh() throws -> FeatureStore {
        let store = try open()
        guard store.newestCommit == Instant(microseconds: 0) else { throw BenchError("\(data) holds a store already") }
        return store
    }
}

/// The product's own ingest over a fresh store.
struct IngestRun {
    let store: FeatureStore
    private let service: IngestService

    init(_ arguments: StoreArguments, _ store: FeatureStore) {
        self.store = store
        let log = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        service = IngestService(store: store, options: arguments.ingestOptions, log: log)
    }

    var status: IngestStatus { service.status }

    func stop() { service.stop() }

    /// Starts, and waits until the partitions are assigned.
    ///
    /// - Returns: when the last look found nothing committed. The offsets to start from are committed right before the
    ///   assignment, so this moment lies before it, by less than a millisecond.
    func start() throws -> (nanoseconds: UInt64, processorMicroseconds: Int64) {
        let before = store.newestCommit
        var began = (Measure.nanoseconds(), Measure.processorMicroseconds())
        service.start()
        try wait(microseconds: 200) { status in
            if store.newestCommit == before { began = (Measure.nanoseconds(), Measure.processorMicroseconds()) }
            return status.state == .consuming
        }
        return began
    }

    /// Looks at the status now and then, until it is as wanted.
    func wait(microseconds: UInt32, _ isDone: (IngestStatus) -> Bool) throws {
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
}
