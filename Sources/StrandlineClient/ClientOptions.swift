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
    /// The pause between two tries to connect again: it begins with the first, doubles up to the second, and each time
    /// between half of it and all of it is waited, so that many clients do not come back at once.
    public var backoff: ClosedRange<Duration>

    public init(
        connectTimeout: Duration = .seconds(5),
        requestTimeout: Duration = .seconds(30),
        clientName: String = "strandline-swift/0.1",
        tls: ClientTLS? = nil,
        checksums: Bool = false,
        backoff: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2)
    ) {
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.clientName = clientName
        self.tls = tls
        self.checksums = checksums
        self.backoff = backoff
    }
}
