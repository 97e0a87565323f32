public import FeatureHistory
public import Logging
public import NIOPosix
public import WireProtocol

/// What every connection of a server shares.
public struct ServerContext: Sendable {
    public var store: FeatureStore
    /// Runs what may block: cold reads, training rows, admin requests.
    public var pool: NIOThreadPool
    public var tokens: TokenList?
    public var admin: AdminRouter
    public var limits: WireLimits
    public var log: Logger
    public var serverName: String
    public var latency: LatencyRegistry

    public init(
        store: FeatureStore,
        pool: NIOThreadPool,
        tokens: TokenList?,
        admin: AdminRouter,
        limits: WireLimits = .standard,
        log: Logger,
        serverName: String,
        latency: LatencyRegistry = LatencyRegistry()
    ) {
        self.store = store
        self.pool = pool
        self.tokens = tokens
        self.admin = admin
        self.limits = limits
        self.log = log
        self.serverName = serverName
        self.latency = latency
    }
}

/// Answers an ADMIN request: verb and JSON body in, JSON body out. Called on the pool; may block.
public struct AdminRouter: Sendable {
    public typealias Handler = @Sendable (_ body: String) throws(WireError) -> String

    private var handlers: [String: Handler] = [:]

    public init() {}

    public mutating func on(_ verb: String, _ handler: @escaping Handler) { handlers[verb] = handler }

    func answer(_ request: AdminRequest) throws(WireError) -> String {
        guard let handler = handlers[request.verb] else {
            throw WireError(
                .badRequest,
                "unknown admin verb '\(request.verb)'; there are: \(handlers.keys.sorted().joined(separator: ", "))"
            )
        }
        return try handler(request.body)
    }
}
