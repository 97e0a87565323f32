public import FeatureServer
public import NIOCore

import Hummingbird
import HummingbirdCore
import Logging
import NIOPosix
import ServiceLifecycle

/// The HTTP side: Feast's contract, health and metrics. On an event loop of its own, so that no HTTP client slows the
/// binary protocol's loops.
public final class HTTPServer: Sendable {
    /// Where the server listens; with port 0 in the request, the port that was given.
    public let address: SocketAddress
    private let group: MultiThreadedEventLoopGroup
    private let services: ServiceGroup
    private let run: Task<Void, any Error>
    private let endpoints: Endpoints

    private init(
        address: SocketAddress,
        group: MultiThreadedEventLoopGroup,
        services: ServiceGroup,
        run: Task<Void, any Error>,
        endpoints: Endpoints
    ) {
        self.address = address
        self.group = group
        self.services = services
        self.run = run
        self.endpoints = endpoints
    }

    /// Connections beyond this wait in the system's queue.
    private static let connectionsMax = 1024
    /// Longer than Feast's client keeps a connection that it does not use (300 s).
    private static let idleTimeout = Duration.seconds(360)

    /// Binds and starts to answer.
    ///
    /// - Parameters:
    ///   - bodyTimeMax: how long a body may take to come in; nil: 20 s.
    ///   - ingest: what ingest is doing; nil where nothing is consumed.
    /// - Throws: the system's error when the address cannot be bound.
    public static func start(
        host: String,
        port: Int,
        shared: ServerContext,
        version: String,
        bodyTimeMax: TimeAmount? = nil,
        ingest: @escaping @Sendable () -> StatusMessage.Ingest?
    ) async throws -> HTTPServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let endpoints = Endpoints(
            shared,
            version: version,
            bodyTimeMax: bodyTimeMax ?? HTTPState.bodyTimeMax,
            ingest: ingest
        )
        var log = shared.log
        // Hummingbird tells of every start and stop what this server tells itself.
        log.logLevel = max(log.logLevel, .warning)
        let (bound, tell) = AsyncThrowingStream.makeStream(of: SocketAddress.self)
        let application = Application(
            responder: endpoints,
            server: HTTPServerBuilder { responder in
                SecuredChannel(
                    http: HTTP1Channel(
                        responder: responder,
                        configuration: HTTP1Channel.Configuration(idleTimeout: .init(idleTimeout))
                    ),
                    security: shared.security
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: nil,
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax, logger: log)
            ),
            onServerRunning: { channel in
                if let address = channel.localAddress { tell.yield(address) }
                tell.finish()
            },
            eventLoopGroupProvider: .shared(group),
            logger: log
        )
        var configuration = ServiceGroupConfiguration(services: [application], logger: log)
        configuration.maximumGracefulShutdownDuration = .seconds(10)
        let services = ServiceGroup(configuration: configuration)
        let run = Task {
            do { try await services.run() } catch {
                shared.log.error("HTTP stopped: \(error)")
                tell.finish(throwing: error)
                throw error
            }
        }
        do {
            for try await address in bound {
                return HTTPServer(address: address, group: group, services: services, run: run, endpoints: endpoints)
            }
            throw ChannelError.unknownLocalAddress
        } catch {
            _ = try? await run.value
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// For tests.
    var budget: ByteBudget { endpoints.state.budget }

    /// Tells that the server is not ready, lets requests end that have begun, and closes.
    public func stop() async {
        endpoints.state.stop()
        await services.triggerGracefulShutdown()
        _ = try? await run.value
        try? await group.shutdownGracefully()
    }
}
