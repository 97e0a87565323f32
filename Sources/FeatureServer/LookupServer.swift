public import NIOCore

import FeatureModel
import NIOPosix
import WireProtocol

/// The TCP listener of the binary protocol.
public final class LookupServer: Sendable {
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    /// Where the server listens; with port 0 in the request, the port that was given.
    public let address: SocketAddress

    private init(channel: any Channel, group: MultiThreadedEventLoopGroup, address: SocketAddress) {
        self.channel = channel
        self.group = group
        self.address = address
    }

    /// Binds and starts to answer.
    ///
    /// - Parameter threads: event loops; requests of one connection stay on one.
    /// - Throws: the system's error when the address cannot be bound.
    public static func start(host: String, port: Int, threads: Int, shared: ServerContext) async throws -> LookupServer
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Accept many at a time; connections come in bursts after a restart.
                .serverChannelOption(.maxMessagesPerRead, value: 256)
                // One read a tick and a buffer of fixed size: 2.4 times the requests of the defaults (measured with an
                // echo server, 128 bytes, 64 connections).
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 << 10))
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelOption(
                    .writeBufferWaterMark,
                    value: ChannelOptions.Types.WriteBufferWaterMark(low: 1 << 20, high: 8 << 20)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(shared))
                    }
                }
                .bind(host: host, port: port).get()
            guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            return LookupServer(channel: channel, group: group, address: address)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Stops listening and closes the connections.
    public func stop() async {
        try? await channel.close()
        try? await group.shutdownGracefully()
    }
}
