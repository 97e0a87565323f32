internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import WireProtocol

/// Where a client connects to, and how.
struct ConnectionTarget: Sendable {
    var host: String
    var port: Int
    var token: String?
    var options: ClientOptions

    /// Connects and greets.
    func connect() async throws(ClientError) -> ServerConnection {
        do {
            let tls = try await options.tls?.context()
            let host = host
            let refusal = NIOLockedValueBox<ClientError?>(nil)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(options.connectTimeout))
                .channelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler(for: host)) }
                        try channel.pipeline.syncOperations.addHandler(ClientHandler(refusal))
                    }
                }
                .connect(host: host, port: port).get()
            do {
                return ServerConnection(channel, try await greet(channel), checksums: options.checksums)
            } catch {
                let reason = refusal.withLockedValue { $0 }
                try? await channel.close()
                // Sending on a connection that the server has ended says only that it has ended.
                throw error.code == .connectionLost ? reason ?? error : error
            }
        } catch ChannelError.connectTimeout {
            throw ClientError(.timedOut, "no answer", isRetriable: true)
        } catch {
            throw ClientError(anything: error)
        }
    }

    private func greet(_ channel: any Channel) async throws(ClientError) -> Welcome {
        let wanted: ConnectionOptions? = options.checksums ? .checksums : nil
        let hello = Hello(token: token, clientName: options.clientName, options: wanted)
        let frameSizeMax = WireVersion.frameSizeMaxBeforeWelcome
        let body = try await ServerConnection.send(hello, .welcome, to: channel, frameSizeMax, options.connectTimeout)
        do throws(WireError) {
            let welcome = try Welcome(body: body)
            guard welcome.version == WireVersion.current else {
                throw WireError(.versionUnsupported, "the server speaks version \(welcome.version)")
            }
            guard welcome.options == wanted else {
                throw WireError(.malformedFrame, "WELCOME does not grant what HELLO asked for")
            }
            return welcome
        } catch {
            throw .violation(error)
        }
    }
}

/// One greeted connection.
final class ServerConnection: Sendable {
    let welcome: Welcome
    private let channel: any Channel
    private let requestSizeMax: Int
    /// The ids that lookups have on this connection, by the lookups' own identities.
    private let lookups = NIOLockedValueBox<[UInt64: UInt32]>([:])

    init(_ channel: any Channel, _ welcome: Welcome, checksums: Bool) {
        self.channel = channel
        self.welcome = welcome
        // A checksum takes some of a frame's room.
        requestSizeMax = welcome.limits.frameSizeMax - (checksums ? FrameChecksum.byteCount : 0)
    }

    var isOpen: Bool { channel.isActive }

    func lookupID(of identity: UInt64) -> UInt32? { lookups.withLockedValue { $0[identity] } }
    func setLookupID(_ id: UInt32, of identity: UInt64) { lookups.withLockedValue { $0[identity] = id } }

    /// Unless somebody else has prepared it again since.
    func forgetLookup(_ identity: UInt64, _ id: UInt32) {
        lookups.withLockedValue { if $0[identity] == id { $0[identity] = nil } }
    }

    func close() async { try? await channel.close() }

    func send(
        _ message: some WireMessage,
        _ reply: MessageType,
        within time: Duration
    ) async throws(ClientError) -> ByteBuffer {
        try await Self.send(message, reply, to: channel, requestSizeMax, time)
    }

    fileprivate static func send(
        _ message: some WireMessage,
        _ reply: MessageType,
        to channel: any Channel,
        _ frameSizeMax: Int,
        _ timeout: Duration
    ) async throws(ClientError) -> ByteBuffer {
        do {
            var frame = ByteBuffer()
            try message.writeFrame(requestID: 0, frameSizeMax: frameSizeMax, into: &frame)
            let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
            let request = ClientRequest(frame: frame, replyType: reply, timeout: TimeAmount(timeout), reply: promise)
            // A write that never reaches the handler, because the channel is closed, fails the reply here.
            channel.writeAndFlush(request).cascadeFailure(to: promise)
            return try await promise.futureResult.get()
        } catch {
            throw ClientError(anything: error)
        }
    }
}
