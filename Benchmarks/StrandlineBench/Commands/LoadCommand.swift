import ArgumentParser
import Glibc

enum LoadTarget: String, ExpressibleByArgument, CaseIterable {
    case strandline, redis, echo, http
    case redisGet = "redis-get"
}

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Ask a server for random entities, and check every reply.",
        discussion: """
            One generator for all protocols: a closed loop, as fast as the server answers, or an open one with --rate.
            `strandline` looks up entities through a prepared service; `redis` sends HMGET of the fields f0, f1, ... of the hash
            e:<entity>, `redis-get` GET of b:<entity>; `http` asks /get-online-features of Feast's server or of Strandline's
            HTTP side for a service or for --features; `echo` knows the sizes alone.

              strandline-bench load --protocol strandline --address 127.0.0.1:6567 --service ten --connections 64
              strandline-bench load --protocol strandline --address 127.0.0.1:6567 --rate 10000 --as-of-within 3600
              strandline-bench load --protocol redis --address 127.0.0.1:7399 --connections 64 --pipeline 16
              strandline-bench load --protocol http --address 127.0.0.1:6566 --service ten --rows 100 --connections 8
            """
    )

    @Option(name: .customLong("protocol"), help: "What is spoken.")
    var target: LoadTarget

    @Option(help: "host:port of the server.")
    var address: String

    @Option(help: "Connections.")
    var connections = 64

    @Option(help: "How long to measure, seconds.")
    var seconds = 5.0

    @Option(help: "Load before the measurement, seconds.")
    var warmUp = 1.0

    @Option(help: "Requests under way on a connection; 1 to 1024.")
    var pipeline = 1

    @Option(help: "An open loop: so many requests a second over all connections.")
    var rate: Double?

    @Option(help: "An open loop: so many requests are due at the same instant, on as many connections.")
    var burst = 1

    @Option(help: "Entities are drawn from so many.")
    var keys = 100_000

    @Option(help: "strandline, http: the feature service.")
    var service = "ten"

    @Option(help: "strandline, http: entities of a request.")
    var rows = 1

    @Option(help: "http: references view:feature with commas between them, in place of the service.")
    var features: String?

    @Option(help: "http: the join key.")
    var joinKey = "user_id"

    @Option(help: "strandline: as of a random instant among the last so many seconds; 0: as of now.")
    var asOfWithin = 0

    @Option(help: "strandline: where one in a hundred requests is kept with its reply, for check-replies.")
    var samples: String?

    @Option(help: "redis: fields of an HMGET.")
    var fields = 10

    @Option(help: "echo: bytes of a request.")
    var requestBytes = 48

    @Option(help: "echo: bytes of a reply.")
    var replyBytes = 125

    @Option(help: "The server's process, for its processor time.")
    var serverPid: Int32?

    func validate() throws {
        guard (1...1024).contains(pipeline), connections > 0, keys > 0, seconds > 0, warmUp >= 0, fields > 0, rows > 0,
            rate ?? 1 > 0, burst > 0, asOfWithin >= 0, requestBytes >= 12, replyBytes >= 12
        else { throw ValidationError("--pipeline must lie in 1 ... 1024, the other numbers above 0") }
    }

    func run() throws {
        switch target {
        case .redis: try load(RedisProtocol(keys: keys, fields: fields), connect())
        case .redisGet: try load(RedisProtocol(keys: keys, fields: nil), connect())
        case .echo: try load(EchoProtocol(requestBytes: requestBytes, replyBytes: replyBytes), connect())
        case .http: try loadHTTP()
        case .strandline:
            let sockets = try connect()
            let prepared = try sockets.map { try Frame.open($0, service: service) }
            guard let first = prepared.first,
                prepared.allSatisfy({ $0.lookupID == first.lookupID && $0.types == first.types })
            else { throw BenchError("the connections were told different things about the service") }
            let lookup = StrandlineProtocol(
                prepared: first,
                keys: keys,
                firstKey: 0,
                rows: rows,
                asOfWithin: asOfWithin * 1_000_000
            )
            try load(lookup, sockets)
        }
    }

    private func connect() throws -> [Socket] { try (0..<connections).map { _ in try Socket(to: address) } }

    /// Each connection is answered once before the next one is opened. Worker processes that share a port share the
    /// connections then; of many that come at once the first to wake takes all.
    private func loadHTTP() throws {
        let first = try Socket(to: address)
        let lookup = try HTTPProtocol(
            first,
            host: address,
            asked: features.map { .list($0.split(separator: ",").map(String.init)) } ?? .service(service),
            joinKey: joinKey,
            keys: keys,
            rows: rows
        )
        let others = try (1..<connections).map { _ in
            let socket = try Socket(to: address)
            try lookup.greet(socket)
            return socket
        }
        try load(lookup, [first] + others)
    }

    private func load<P: LoadProtocol>(_ load: P, _ sockets: [Socket]) throws {
        let generator = LoadGenerator(
            load: load,
            pipeline: rate == nil ? pipeline : max(pipeline, 64),
            rate: rate,
            burst: burst,
            seconds: seconds,
            warmUpSeconds: warmUp,
            serverProcess: serverPid,
            keepsSamples: samples != nil
        )
        let result = try generator.run(sockets)
        report(result, load)
        if let samples { try write(result.samples, to: samples) }
        guard result.errors == 0 else { throw BenchError("\(result.errors) errors") }
    }

    private func report<P: LoadProtocol>(_ result: LoadResult, _ load: P) {
        let requests = Double(max(result.requests, 1))
        printLine([
            "requests": String(result.requests), "req_per_s": fixed(Double(result.requests) / result.seconds, 0),
            "rows_per_s": fixed(Double(result.requests * load.rows) / result.seconds, 0),
            "p50_us": String(result.latencies.percentile(0.5)), "p99_us": String(result.latencies.percentile(0.99)),
            "errors": String(result.errors),
            "values_per_row": fixed(Double(result.values) / requests / Double(load.rows), 2),
        ])
        if let processor = result.serverMicroseconds {
            printLine(["server_cpu_us_per_request": fixed(Double(processor) / requests, 2)])
        }
    }

    /// Adds to the file.
    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard file >= 0 else { throw BenchError("'\(path)' cannot be written") }
        defer { close(file) }
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.unsafelyUnwrapped + start, bytes.count - start)
            }
            guard count > 0 else { throw BenchError("'\(path)' cannot be written") }
            start += count
        }
    }
}
