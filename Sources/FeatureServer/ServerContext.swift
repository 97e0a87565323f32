public import FeatureHistory
public import Logging
public import Scheduling
public import WireProtocol

/// What every connection of a server shares.
public struct ServerContext: Sendable {
    public var store: FeatureStore
    /// Runs what may block and may take long: large lookups, training rows, admin requests.
    public var pool: ReaderPool
    /// Runs what may block and is short: lookups that an event loop would have answered, were the entity in memory and its shard
    /// free.
    public var shortReads: ReaderPool
    public var security: ServerSecurity
    public var admin: AdminRouter
    public var limits: WireLimits
    /// What all connections hold, and the limits of that.
    public var load: ServerLoad
    public var log: Logger
    public var serverName: String
    public var latency: LatencyRegistry
    let plans = PreparedPlans()

    /// The pool's work is done on the spot, by the thread that asks: for a fuzzer, which needs the same run for the same bytes.
    package var computesAtOnce = false

    public init(
        store: FeatureStore,
        pool: ReaderPool,
        shortReads: ReaderPool? = nil,
        security: ServerSecurity = ServerSecurity(),
        admin: AdminRouter,
        limits: WireLimits = .standard,
        load: ServerLoad = ServerLoad(),
        log: Logger,
        serverName: String,
        latency: LatencyRegistry = LatencyRegistry()
    ) {
        self.store = store
        self.pool = pool
        self.shortReads = shortReads ?? pool
        self.security = security
        self.admin = admin
        self.limits = limits
        self.load = load
        self.log = log
        self.serverName = serverName
        self.latency = latency
    }

    /// Runs what may block. It is told whether the pool goes on.
    func submit(isShort: Bool, _ work: @escaping ReaderPool.Work) {
        guard !computesAtOnce else { return work(true) }
        (isShort ? shortReads : pool).submit(work)
    }
}
