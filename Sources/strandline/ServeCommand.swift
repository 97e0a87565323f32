import ArgumentParser
import FeatureHTTP
import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureServer
import FoundationEssentials
import Ingest
import KafkaLog
import Logging
import NIOCore
import NIOPosix
import Scheduling
import ServiceLifecycle
import UnixSignals
import WireProtocol

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Consume, keep history, answer lookups.",
        discussion: """
            Examples:
              strandline serve --repo feature_repo --embedded-broker
              strandline serve --repo feature_repo \\
                  --kafka bootstrap.servers=127.0.0.1:9092 --listen 127.0.0.1:6567

            A data directory without definitions gets those of the repository. Later
            changes: strandline apply.
            """
    )

    @OptionGroup var definitions: DefinitionsOptions

    @Option(help: "Where the store lives; default: server.data_directory.")
    var dataDir: String?

    @Option(help: "host:port for lookups; port 0 takes a free one; default: server.listen.")
    var listen: String?

    @Option(help: "host:port for Feast's HTTP contract, health and metrics, or off; default: server.http_listen.")
    var httpListen: String?

    @Flag(
        help:
            "Start a development broker inside the server (librdkafka's mock cluster; nothing of it outlives the process)."
    )
    var embeddedBroker = false

    @Option(
        name: .customLong("kafka"),
        help: "A librdkafka setting, name=value; repeatable; over those of the repository."
    )
    var kafkaSettings: [String] = []

    @OptionGroup var security: SecurityOptions

    @Flag(help: "Allow an address other than loopback without a token.")
    var insecureBind = false

    @Option(help: "Threads that answer lookups.")
    var threads = 1

    @Flag(
        help:
            "Let lookups go before every usual thread of the machine (SCHED_RR). Needs root, CAP_SYS_NICE or LimitRTPRIO=1; keep a core more than --threads for ingest."
    )
    var realTime = false

    @Flag(help: "Consume no topic; serve what is there, and what materialize brings.")
    var noIngest = false

    @Option(help: "trace, debug, info, warning, error.")
    var logLevel = "info"

    @Option(help: "text or json.")
    var logFormat = "text"

    mutating func run() async throws {
        Allocator.giveBackInBackground()
        let log = try makeLog()
        let (definitionFiles, repository) = try definitions.load()
        let server = repository.server
        let address = try ListenAddress(listen ?? server.listen.description)
        let httpAddress = try httpListenAddress(server)
        let files = try SecurityFiles(self.security, server, in: definitions.repo)
        let filesRead = files.state
        let security = try files.load()
        for address in [address] + [httpAddress].compactMap({ $0 }) {
            guard security.asksForToken || insecureBind || address.isLoopback else {
                throw Failure(
                    .usage,
                    "\(address.host) is not a loopback address: give --token-file, or --insecure-bind to let anyone in"
                )
            }
        }
        let manners = try lookupManners()
        var kafka = try settings(repository)
        // What can be found wrong without a store is found before one is made.
        try address.checkFree()
        try httpAddress?.checkFree(otherwise: "give another one with --http-listen, or --http-listen off")
        let directory = dataDir ?? ServerConfiguration.path(server.dataDirectory, in: definitions.repo)
        let store = try openStore(directory, server)
        defer { store.close() }
        try settleDefinitions(store, definitionFiles, repository, log)
        var broker: DevelopmentBroker?
        if embeddedBroker {
            let started = try DevelopmentBroker()
            kafka.append(("bootstrap.servers", started.bootstrapServers))
            broker = started
        }
        defer { broker?.close() }
        let ingest = IngestService(
            store: store,
            options: IngestOptions(kafka: kafka, commitIntervalMilliseconds: Int(server.commitInterval / 1000)),
            log: log
        )
        let consumes = !noIngest
        let ingestStatus: @Sendable () -> StatusMessage.Ingest? = {
            consumes ? StatusMessage.Ingest(ingest.status) : nil
        }
        let latency = LatencyRegistry()
        var admin = AdminRouter.standard(store: store, version: Strandline.version, ingest: ingestStatus)
        admin.onStats(of: latency)
        let limits = limits(server)
        raiseDescriptorLimit(for: limits.connectionsMax, log)
        let pool = ReaderPool(threads: 2)
        let shortReads = ReaderPool(threads: 2, manners: .shortSlices)
        let shared = ServerContext(
            store: store,
            pool: pool,
            shortReads: shortReads,
            security: security,
            admin: admin,
            load: ServerLoad(limits),
            log: log,
            serverName: "strandline \(Strandline.version)",
            latency: latency
        )
        let listener: LookupServer
        do {
            listener = try await LookupServer.start(
                host: address.host,
                port: address.port,
                threads: max(1, threads),
                manners: manners,
                shared: shared
            )
        } catch { throw address.failure(error) }
        let http = try await startHTTP(httpAddress, shared, ingestStatus)
        var places: [String] = []
        if let broker { places.append("kafka bootstrap=\(broker.bootstrapServers)") }
        if let http, let httpAddress {
            places.append("http on \(httpAddress.host):\(http.address.port ?? httpAddress.port)")
        }
        places.append("listening on \(address.host):\(listener.address.port ?? address.port)")
        // Trapped before anybody can know that the server is up: unhandled, it would end the process.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: Running(
                            places: places,
                            listener: listener,
                            http: http,
                            ingest: ingest,
                            consumes: consumes,
                            log: log
                        )
                    ),
                    .init(
                        service: SecurityWatch(
                            files: files,
                            security: security,
                            hangups: hangups,
                            read: filesRead,
                            log: log
                        )
                    ),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log
            )
        ).run()
        await pool.stop()
        await shortReads.stop()
        log.info("stopped")
    }

    private func makeLog() throws -> Logger {
        guard let level = Logger.Level(rawValue: logLevel), let format = StandardErrorLog.Format(rawValue: logFormat)
        else {
            throw Failure(.usage, "--log-level is trace, debug, info, warning or error; --log-format is text or json")
        }
        return Logger(label: "strandline") { StandardErrorLog(logLevel: level, format: format, label: $0) }
    }

    /// Of the event loops for lookups.
    private func lookupManners() throws -> ThreadManners {
        guard realTime else { return .shortSlices }
        guard ThreadManners.mayBeRealTime() else {
            throw Failure(
                .usage,
                "--real-time is not permitted: give the process CAP_SYS_NICE or an RLIMIT_RTPRIO of 1 (systemd: LimitRTPRIO=1; docker: --ulimit rtprio=1), or start without it"
            )
        }
        return .realTime
    }

    private func limits(_ server: ServerConfiguration) -> ServerLimits {
        var limits = ServerLimits()
        limits.connectionsMax = server.connectionsMax
        limits.idleTimeout = .microseconds(server.idleTimeout)
        limits.byteCountMax = max(64 << 20, server.memoryBudget / 8)
        return limits
    }

    /// nil where HTTP is off.
    private func httpListenAddress(_ server: ServerConfiguration) throws -> ListenAddress? {
        guard httpListen != "off", let text = httpListen ?? server.httpListen?.description else { return nil }
        return try ListenAddress(text)
    }

    private func startHTTP(
        _ address: ListenAddress?,
        _ shared: ServerContext,
        _ ingest: @escaping @Sendable () -> StatusMessage.Ingest?
    ) async throws -> HTTPServer? {
        guard let address else { return nil }
        do {
            return try await HTTPServer.start(
                host: address.host,
                port: address.port,
                shared: shared,
                version: Strandline.version,
                ingest: ingest
            )
        } catch { throw address.failure(error) }
    }

    private func openStore(_ directory: String, _ server: ServerConfiguration) throws -> FeatureStore {
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var options = StoreOptions(memoryBudget: server.memoryBudget)
        options.deadLetters = DeadLetterLimits(
            recordsMax: UInt64(server.deadLetters.recordCountMax),
            bytesMax: UInt64(server.deadLetters.byteCountMax)
        )
        return try FeatureStore.open(directory, options)
    }

    /// The applied definitions are the store's; an empty store takes the repository's.
    private func settleDefinitions(
        _ store: FeatureStore,
        _ files: RepositoryFiles,
        _ repository: Repository,
        _ log: Logger
    ) throws {
        let service = DefinitionsService(store: store)
        do {
            if service.isEmpty {
                let plan = try service.apply(files)
                log.info("applied the definitions of \(definitions.repo): \(plan.definitionHash.prefix(12))")
            } else {
                try service.activateApplied()
                if definitionHash(of: repository.definition) != store.catalog.definitionHash {
                    log.warning(
                        "\(definitions.repo) differs from what is applied; see strandline plan, then strandline apply"
                    )
                }
            }
        } catch let error as RepositoryError {
            throw Failure(.usage, "the applied definitions are not accepted by this version\n\(error)")
        }
    }

    /// The repository's settings with those of the command line over them, as librdkafka takes them.
    private func settings(_ repository: Repository) throws -> [(name: String, value: String)] {
        var settings = repository.kafka.settings.map { (name: $0.name, value: $0.value) }
        for text in kafkaSettings {
            guard let equals = text.firstIndex(of: "=") else {
                throw Failure(.usage, "--kafka '\(text)': write name=value")
            }
            settings.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        do { try KafkaLog.KafkaSettings(settings).validate() } catch { throw Failure(.usage, error.message) }
        return settings
    }
}

/// Keeps the listener and ingest up until the process is told to stop; then ends them in order: no new requests, then no
/// new commits.
///
/// What says that the server is up is printed here, where the group already listens for signals: who reads it may send
/// one at once, and the server must end in order.
private struct Running: Service {
    let places: [String]
    let listener: LookupServer
    let http: HTTPServer?
    let ingest: IngestService
    let consumes: Bool
    let log: Logger

    func run() async throws {
        for place in places { print(place) }
        fflush(nil)
        ingest.start(consumes: consumes)
        try? await gracefulShutdown()
        endAnyway()
        await http?.stop()
        await listener.stop()
        // Joining threads blocks; not on the shared pool.
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
                ingest.stop()
                continuation.resume()
            }
        }
    }
}

extension Running {
    /// How long an orderly end may take: requests in flight have a third of it.
    private static let patience = 30

    /// Ends the process where its parts do not: librdkafka has been seen to wait for a broker that had just died. What is
    /// committed is on disk, as after a kill.
    private func endAnyway() {
        let log = log
        // On no thread that an orderly end needs.
        Task.detached {
            try? await Task.sleep(for: .seconds(Self.patience))
            log.critical("not stopped within \(Self.patience) s; ended as it is, nothing that was committed is lost")
            _exit(Failure.Status.failed.rawValue)
        }
    }
}

extension StatusMessage.Ingest {
    init(_ status: IngestStatus) {
        let lags = status.partitions.compactMap(\.lag)
        self.init(
            state: status.state.rawValue,
            problem: status.problem,
            cluster: status.cluster,
            lag: lags.isEmpty ? nil : lags.reduce(0, +),
            partitions: status.partitions.map {
                StatusMessage.Partition(
                    source: $0.source,
                    topic: $0.topic,
                    partition: $0.partition,
                    next: $0.next,
                    lag: $0.lag,
                    problem: $0.problem
                )
            }
        )
    }
}
