internal import NIOCore
internal import NIOPosix
internal import NIOSSL
public import WireProtocol

/// TLS to the server: whose certificate is trusted.
public struct ClientTLS: Hashable, Sendable {
    /// A PEM file with the certificates of authorities; nil for those of the system.
    public var authorityFile: String?
    public init(authorityFile: String? = nil) { self.authorityFile = authorityFile }
}

/// How to connect, and how long to wait.
public struct ClientOptions: Hashable, Sendable {
    /// For the TCP connection, and again for the greeting.
    public var connectTimeout: Duration
    /// From sending a request to its reply.
    public var requestTimeout: Duration
    /// For the server's log.
    public var clientName: String
    /// nil for plain TCP.
    public var tls: ClientTLS?
    /// Asks for a checksum in every frame, both ways.
    public var checksums: Bool

    public init(
        connectTimeout: Duration = .seconds(5),
        requestTimeout: Duration = .seconds(30),
        clientName: String = "strandline-swift/0.1",
        tls: ClientTLS? = nil,
        checksums: Bool = false
    ) {
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.clientName = clientName
        self.tls = tls
        self.checksums = checksums
    }
}

/// One connection to a Strandline server. Any number of tasks may use it at once: requests are pipelined, and replies
/// find their requests by id.
///
///     let client = try await StrandlineClient.connect(host: "127.0.0.1", port: 6567)
///     let fraud = try await client.prepare(service: "fraud")
///     let result = try await client.lookup(fraud, entities: [[.int64(42)]])
///
/// A lost connection fails every waiting call with `connectionLost` and is not made again: connect anew and prepare
/// anew. Cancelling a task does not take back its request; the request timeout bounds the wait.
public final class StrandlineClient: Sendable {
    /// What the server told in WELCOME.
    public let limits: WireLimits
    /// The server's name and version, from WELCOME.
    public let serverName: String

    let channel: any Channel
    let options: ClientOptions
    private let requestSizeMax: Int
    /// Ties prepared lookups to this connection.
    let identity = UInt64.random(in: 0 ... .max)

    init(channel: any Channel, welcome: Welcome, options: ClientOptions) {
        self.channel = channel
        self.options = options
        limits = welcome.limits
        // A checksum takes some of a frame's room.
        requestSizeMax = limits.frameSizeMax - (options.checksums ? FrameChecksum.byteCount : 0)
        serverName = welcome.serverName
    }

    /// Connects and greets.
    ///
    /// - Throws: `connectionLost` when there is no server, `timedOut`, or the server's refusal
    ///   (`UNAUTHENTICATED`, `VERSION_UNSUPPORTED`, `NOT_READY`).
    public static func connect(
        host: String = "127.0.0.1",
        port: Int = Int(WireVersion.portDefault),
        token: String? = nil,
        options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> StrandlineClient {
        do {
            let tls = try await options.tls?.context()
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(options.connectTimeout))
                .channelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler(for: host)) }
                        try channel.pipeline.syncOperations.addHandler(ClientHandler())
                    }
                }
                .connect(host: host, port: port).get()
            do {
                let welcome = try await greet(channel, token, options)
                return StrandlineClient(channel: channel, welcome: welcome, options: options)
            } catch {
                try? await channel.close()
                throw error
            }
        } catch ChannelError.connectTimeout {
            throw ClientError(.timedOut, "no answer", isRetriable: true)
        } catch {
            throw ClientError(anything: error)
        }
    }

    private static func greet(
        _ channel: any Channel,
        _ token: String?,
        _ options: ClientOptions
    ) async throws(ClientError) -> Welcome {
        let wanted: ConnectionOptions? = options.checksums ? .checksums : nil
        let hello = Hello(token: token, clientName: options.clientName, options: wanted)
        let frameSizeMax = WireVersion.frameSizeMaxBeforeWelcome
        let body = try await send(hello, .welcome, to: channel, frameSizeMax, options.connectTimeout)
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

    /// Closes the connection; calls that wait fail with `closed`. Closing twice is fine.
    public func close() async {
        try? await channel.close()
    }

    /// Sends one message and gives the body of its reply.
    func send(
        _ message: some WireMessage,
        _ reply: MessageType,
        within time: Duration? = nil
    ) async throws(ClientError) -> ByteBuffer {
        try await Self.send(message, reply, to: channel, requestSizeMax, time ?? options.requestTimeout)
    }

    private static func send(
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
