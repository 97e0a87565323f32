import Dispatch
import FeatureModel
import FeatureRepository
import FeatureTesting
import Logging
import NIOCore
import NIOPosix
import Scheduling
import StrandlineClient
import Windowing
import WireProtocol

@testable import FeatureHistory
@testable import FeatureServer

/// A server on loopback over a store in a temporary folder, with a clock that tests move.
final class ServerUnderTest: Sendable {
    let folder: TemporaryFolder
    let clock: ManualClock
    let store: FeatureStore
    let server: LookupServer
    let port: Int
    let load: ServerLoad
    let security: ServerSecurity
    private let pool: ReaderPool

    static let definitions = RepositoryFiles([
        "feature_store.yaml": """
        project: test
        entities:
          - {name: customer, join_keys: {customer_id: int64}}
        sources:
          - name: purchases
            timestamp_field: at
            timestamp_format: epoch_us
            schema: {customer_id: int64, amount: float64}
        feature_views:
          - name: purchases
            entity: customer
            source: purchases
            aggregations:
              - {function: count, time_window: [1h, lifetime]}
              - {column: amount, function: sum, time_window: 1h}
        feature_services:
          - {name: small, features: ["purchases:count_1h", "purchases:amount_sum_1h", "purchases:count_lifetime"]}
        """
    ])

    init(
        tokens: String? = nil,
        limits: WireLimits = .standard,
        serverLimits: ServerLimits = .quick,
        tls: TLSFiles? = nil
    ) async throws {
        folder = TemporaryFolder()
        let clock = ManualClock(Instant(microseconds: 1_000_000_000_000))
        self.clock = clock
        store = try FeatureStore(directory: folder.path, options: StoreOptions(), clock: { clock.now })
        _ = try DefinitionsService(store: store).apply(Self.definitions)
        pool = ReaderPool(threads: 2)
        var log = Logger(label: "test")
        log.logLevel = .critical
        let latency = LatencyRegistry()
        var admin = AdminRouter.standard(store: store, version: "test", ingest: { nil })
        admin.onStats(of: latency)
        load = ServerLoad(serverLimits)
        security = ServerSecurity(tokens: tokens.flatMap { TokenList(text: $0) }, tls: try tls?.context())
        server = try await LookupServer.start(
            host: "127.0.0.1",
            port: 0,
            threads: 1,
            shared: ServerContext(
                store: store,
                pool: pool,
                security: security,
                admin: admin,
                limits: limits,
                load: load,
                log: log,
                serverName: "test",
                latency: latency
            )
        )
        guard let port = server.address.port else { throw WireError(.internalError, "no port") }
        self.port = port
    }

    func stop() async throws {
        await server.stop()
        await pool.stop()
        store.close()
    }

    /// Runs `body` while every thread of the pool is taken.
    func withBusyPool(_ body: () async throws -> Void) async throws {
        let gates = (0..<2).map { _ in DispatchSemaphore(value: 0) }
        for gate in gates {
            await withCheckedContinuation { continuation in
                pool.submit { _ in
                    continuation.resume()
                    gate.wait()
                }
            }
        }
        defer { for gate in gates { gate.signal() } }
        try await body()
    }

    /// Commits one event a customer at the clock's time.
    func commit(customers: Range<Int64>, amount: Double, at time: Instant, firstOffset: Int64) throws {
        guard let history = store.catalog.histories.first else { throw StoreError(.unknownName, "no history") }
        let batch = EventBatch(types: history.types)
        for (index, customer) in customers.enumerated() {
            let row = batch.appendRows(1)
            batch.times[row] = time.microseconds
            batch.streams[row] = StreamID(source: 1, incarnation: 1, partition: 0).rawValue
            batch.offsets[row] = firstOffset + Int64(index)
            batch.nulls[row] = 0
            batch.column(0)[row] = amount.bitPattern
            var key: [UInt8] = []
            EntityKey.append(customer, to: &key)
            batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
            batch.keyBytes += key
        }
        try store.commit { _ in
            var commit = Commit()
            commit.batches = [(history.id, batch)]
            commit.offsets = [
                StreamOffset(
                    stream: StreamID(source: 1, incarnation: 1, partition: 0),
                    next: firstOffset + Int64(customers.count)
                )
            ]
            return commit
        }
    }

    func connect(token: String? = nil) async throws -> StrandlineClient {
        try await StrandlineClient.connect(host: "127.0.0.1", port: port, token: token)
    }
}

/// Runs a test against a fresh server and stops it in every case.
func withServer<R>(
    tokens: String? = nil,
    limits: WireLimits = .standard,
    serverLimits: ServerLimits = .quick,
    tls: TLSFiles? = nil,
    _ body: (ServerUnderTest) async throws -> R
) async throws -> R {
    let server = try await ServerUnderTest(
        tokens: tokens,
        limits: limits,
        serverLimits: serverLimits,
        tls: tls
    )
    do {
        let result = try await body(server)
        try await server.stop()
        return result
    } catch {
        try await server.stop()
        throw error
    }
}

extension ServerLimits {
    /// The server's own, looked at often, and with little patience for clients that do not end their side.
    static var quick: ServerLimits {
        var limits = ServerLimits()
        limits.sweepInterval = .milliseconds(50)
        limits.lingerTimeout = .milliseconds(200)
        // Tests run all at once, and the threads that their clients share may be busy for as long as this.
        limits.greetingTimeout = .minutes(2)
        return limits
    }
}
