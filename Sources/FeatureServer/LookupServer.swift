public import NIOCore
public import Scheduling

import NIOPosix
import NIOSSL
import WireProtocol

/// The TCP listener of the binary protocol.
public final class LookupServer: Sendable {
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<LoopConnections>]

    /// Where the server listens; with port 0 in the request, the port that was given.
    public let address: SocketAddress

    private init(
        channel: any Channel,
        group: MultiThreadedEventLoopGroup,
        loops: [NIOLoopBound<LoopConnections>],
        address: SocketAddress
    ) {
        self.channel = channel
        self.group = group
        self.loops = loops
        self.address = address
    }

    /// Binds and starts to answer.
    ///
    /// - Parameters:
    ///   - threads: event loops; requests of one connection stay on one.
    ///   - manners: of these threads.
    /// - Throws: the system's error when the address cannot be bound.
    public static func start(
        host: String,
        port: Int,
        threads: Int,
        manners: ThreadManners = .shortSlices,
        shared: ServerContext
    ) async throws -> LookupServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            let loops = try await connections(of: group, manners, shared.load)
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // One at a time: a new connection costs as much as several lookups, which have their turn between.
                .serverChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelOption(.recvAllocator, value: ReceiveAllocator())
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                // A client that ends its side after its last request still gets the replies.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                // A client that does not read has so much of its replies here before its requests wait.
                .childChannelOption(
                    .writeBufferWaterMark,
                    value: ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls = shared.security.tls {
                            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                        }
                        guard let loop = loops[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(shared, loop))
                    }
                }
                .bind(host: host, port: port).get()
            guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            return LookupServer(channel: channel, group: group, loops: Array(loops.values), address: address)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Answers on one channel, of any kind, that is not active yet. On its event loop.
    package static func serve(_ channel: any Channel, _ shared: ServerContext) throws {
        let connections = LoopConnections(shared.load, on: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(shared, connections))
    }

    private static func connections(
        of group: MultiThreadedEventLoopGroup,
        _ manners: ThreadManners,
        _ load: ServerLoad
    ) async throws -> [ObjectIdentifier: NIOLoopBound<LoopConnections>] {
        var loops: [ObjectIdentifier: NIOLoopBound<LoopConnections>] = [:]
        for eventLoop in group.makeIterator() {
            loops[ObjectIdentifier(eventLoop)] = try await eventLoop.submit {
                manners.take()
                let connections = LoopConnections(load, on: eventLoop)
                connections.start()
                return NIOLoopBound(connections, eventLoop: eventLoop)
            }.get()
        }
        return loops
    }

    /// Stops listening, answers what is in flight, tells the clients, closes the connections.
    public func stop() async {
        try? await channel.close()
        let drained = loops.map { loop in
            loop.eventLoop.flatSubmit { loop.value.drain() }
        }
        for loop in drained { try? await loop.get() }
        for loop in loops { loop.eventLoop.execute { loop.value.stop() } }
        try? await group.shutdownGracefully()
    }
}
