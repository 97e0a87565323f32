/// The `server` part of `feature_store.yaml`. Every value has a default.
public struct ServerConfiguration: Hashable, Sendable {
    /// Where the server listens.
    public struct Address: Hashable, Sendable, CustomStringConvertible {
        /// A name or an address; IPv6 without its brackets.
        public var host: String
        /// 0 lets the system choose.
        public var port: UInt16
        public init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }

        /// Parses `host:port` or `[IPv6]:port`; nil for other text.
        public init?(_ text: some StringProtocol) {
            guard let colon = text.lastIndex(of: ":"),
                let port = wholeNumber(in: String(text[text.index(after: colon)...])),
                let port = UInt16(exactly: port)
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                return nil
            }
            guard !host.isEmpty, host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F }) else {
                return nil
            }
            self.init(host: String(host), port: port)
        }

        /// `host:port`, the inverse of parsing.
        public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// How much the outbox of dead letters may hold before its oldest ones are dropped.
    public struct DeadLetters: Hashable, Sendable {
        public var recordCountMax = 100_000
        /// In bytes; default 64 MiB.
        public var byteCountMax = 64 << 20
        public init() {}
    }

    public var listen = Address(host: "127.0.0.1", port: 6567)
    /// Where HTTP is answered; nil: nowhere.
    public var httpListen: Address? = Address(host: "127.0.0.1", port: 6566)
    /// As written; a relative path counts from the repository's folder. See `path(_:in:)`.
    public var dataDirectory = "./data"
    /// How often what was consumed becomes visible and durable, in microseconds; default 20 ms.
    public var commitInterval: Int64 = 5000
    /// In bytes; default 1 GiB.
    public var memoryBudget = 1 << 30
    /// A file with the token that clients must show; nil asks for none. As written, like `dataDirectory`.
    public var tokenFile: String?
    public var deadLetters = DeadLetters()
    /// PEM files of the server's certificate chain and of its key; nil for plain TCP. As written, like `dataDirectory`.
    public var tlsCertificate: String?
    public var tlsKey: String?
    /// How long a connection may say nothing, in microseconds; default 10 min.
    public var idleTimeout: Int64 = 600_000_000
    /// Connections at once.
    public var connectionsMax = 10_000

    public init() {}

    /// Shortest and longest commit interval, in microseconds: 1 ms and 1 min.
    public static let commitIntervals: ClosedRange<Int64> = 1000...60_000_000
    /// Shortest and longest idle timeout, in microseconds: 1 s and 7 d.
    public static let idleTimeouts: ClosedRange<Int64> = 1_000_000...604_800_000_000
    /// Fewest and most connections.
    public static let connectionCounts = 1...1_000_000
    /// Smallest and largest memory budget, in bytes: 64 MiB and 64 TiB.
    public static let memoryBudgets = 64 << 20...64 << 40

    /// A path of this configuration, seen from where the repository lies: `./data` in `repo` is `repo/data`; an
    /// absolute path stays as it is.
    public static func path(_ path: String, in directory: String) -> String {
        if path.hasPrefix("/") { return path }
        var relative = Substring(path)
        while relative.hasPrefix("./") { relative = relative.dropFirst(2) }
        if relative.isEmpty || relative == "." { return directory }
        return directory.hasSuffix("/") ? directory + relative : directory + "/" + relative
    }
}
