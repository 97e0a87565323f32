public import NIOCore

import WireProtocol

/// What the server bounds beside a message's own limits (`WireLimits`): connections, memory and time.
public struct ServerLimits: Hashable, Sendable {
    // MARK: Connections

    /// Connections at once; further ones are refused with OVERLOADED.
    public var connectionsMax = 10_000

    // MARK: Requests that wait for the pool

    /// Of one connection; beyond it the server stops reading from it.
    public var waitingOfConnectionMax = WireVersion.requestsInFlightMax
    /// Bytes of such requests of one connection, after which it stops reading from it. A last request may exceed it.
    public var waitingOfConnectionByteCountMax = 32 << 20
    /// Of one connection that are computed at the same time, so that others get their turn and replies do not pile up.
    public var computedOfConnectionMax = 4
    /// Of all connections; beyond it a request is answered with OVERLOADED.
    public var waitingMax = 8192
    /// Bytes of requests that wait, of frames that are not complete and of replies that are not taken, of all connections.
    public var byteCountMax = 128 << 20

    /// Values of a lookup that the event loop computes itself; a larger one goes to the pool.
    public static let loopCellsMax = 4096
    /// Connections that are answered in one tick of a loop before their replies are written.
    static let tickConnectionsMax = 8
    /// Values answered in one tick of a loop, over all its connections, after which their replies are written: some hundred
    /// microseconds.
    static let tickCellsMax = 4096

    // MARK: Time

    /// From the connection, TLS included, to HELLO.
    public var greetingTimeout = TimeAmount.seconds(10)
    /// From the first bytes of a frame to its last.
    public var frameTimeout = TimeAmount.seconds(60)
    /// How long a client may take no byte of a reply.
    public var stallTimeout = TimeAmount.seconds(30)
    /// How long a connection may say nothing.
    public var idleTimeout = TimeAmount.minutes(10)
    /// How long what is in flight may take when the server stops.
    public var drainTimeout = TimeAmount.seconds(10)
    /// How long a client has to read why its connection ends, and to end its side.
    public var lingerTimeout = TimeAmount.seconds(2)
    /// How often each connection is looked at: by so much the times above may be exceeded.
    public var sweepInterval = TimeAmount.seconds(1)

    public init() {}
}
