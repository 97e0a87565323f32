public import WireProtocol

internal import NIOCore
internal import NIOPosix

/// A client of one Strandline server, over one connection. Any number of tasks may use it at once: requests are pipelined, and
/// replies find their requests by id.
///
///     let client = try await StrandlineClient.connect(host: "127.0.0.1", port: 6567)
///     let fraud = try await client.prepare(service: "fraud")
///     let result = try await client.lookup(fraud, entities: [[.int64(42)]])
///
/// A lost connection fails every waiting call with `connectionLost`. The next call connects again, with growing pauses as long as
/// its time lasts, and prepares again what it needs: prepared lookups stay valid. Cancelling a task does not take back its
/// request; its time bounds the wait.
public final class StrandlineClient: Sendable {
    private let keeper: ConnectionKeeper
    let options: ClientOptions
    /// Ties prepared lookups to this client.
    let identity = UInt64.random(in: 0 ... .max)

    init(_ keeper: ConnectionKeeper, _ options: ClientOptions) {
        self.keeper = keeper
        self.options = options
    }

    /// What the server told in WELCOME.
    public var limits: WireLimits { keeper.newest.welcome.limits }
    /// The server's name and version, from WELCOME.
    public var serverName: String { keeper.newest.welcome.serverName }

    /// Connects and greets.
    ///
    /// - Throws: `connectionLost` when there is no server, `timedOut`, or the server's refusal
    ///   (`UNAUTHENTICATED`, `VERSION_UNSUPPORTED`, `NOT_READY`, `OVERLOADED`).
    public static func connect(
        host: String = "127.0.0.1",
        port: Int = Int(WireVersion.portDefault),
        token: String? = nil,
        options: ClientOptions = ClientOptions()
    ) async throws(ClientError) -> StrandlineClient {
        let target = ConnectionTarget(host: host, port: port, token: token, options: options)
        return StrandlineClient(ConnectionKeeper(try await target.connect(), target), options)
    }

    /// Closes the connection for good; calls that wait fail with `closed`. Closing twice is fine.
    public func close() async { await keeper.close() }

    /// The connection, made anew where it was lost.
    func connection(within time: Duration?) async throws(ClientError) -> ServerConnection {
        try await keeper.connection(within: time ?? options.requestTimeout)
    }

    /// Sends one message and gives the body of its reply.
    func send(
        _ message: some WireMessage,
        _ reply: MessageType,
        within time: Duration? = nil
    ) async throws(ClientError) -> ByteBuffer {
        try await connection(within: time).send(message, reply, within: time ?? options.requestTimeout)
    }
}
