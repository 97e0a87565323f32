import ArgumentParser

enum LoadTarget: String, ExpressibleByArgument, CaseIterable {
    case strandline, redis
}

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Ask a server for random entities as fast as it answers, and check every reply.",
        discussion: """
            One closed-loop generator for both protocols. `strandline` looks up one entity as of now through a prepared
            service; `redis` sends HMGET of the fields f0, f1, ... of the hash e:<entity>.

              strandline-bench load --protocol strandline --address 127.0.0.1:6567 --service ten --connections 64
              strandline-bench load --protocol redis --address 127.0.0.1:7399 --connections 64 --pipeline 16
            """
    )

    @Option(name: .customLong("protocol"), help: "strandline or redis.")
    var target: LoadTarget

    @Option(help: "host:port of the server.")
    var address: String

    @Option(help: "Connections.")
    var connections = 64

    @Option(help: "How long to measure, seconds.")
    var seconds = 5.0

    @Option(help: "Load before the measurement, seconds.")
    var warmUp = 1.0

    @Option(help: "Requests under way on a connection; 1 to 64.")
    var pipeline = 1

    @Option(help: "Entities 0 ..< keys are asked for.")
    var keys = 100_000

    @Option(help: "strandline: the feature service.")
    var service = "ten"

    @Option(help: "redis: fields of an HMGET.")
    var fields = 10

    @Option(help: "The server's process, for its processor time.")
    var serverPid: Int32?

    func validate() throws {
        guard (1...64).contains(pipeline), connections > 0, keys > 0, seconds > 0, warmUp >= 0, fields > 0 else {
            throw ValidationError("--pipeline must lie in 1 ... 64, the other numbers above 0")
        }
    }

    func run() throws {
        let sockets = try (0..<connections).map { _ in try Socket(to: address) }
        let result: LoadResult
        switch target {
        case .redis: result = try generator(RedisProtocol(fields: fields)).run(sockets)
        case .strandline:
            let prepared = try sockets.map { try Frame.open($0, service: service) }
            guard let first = prepared.first,
                prepared.allSatisfy({ $0.lookupID == first.lookupID && $0.types == first.types })
            else { throw BenchError("the connections were told different things about the service") }
            result = try generator(StrandlineProtocol(prepared: first)).run(sockets)
        }
        report(result)
        guard result.errors == 0 else { throw BenchError("\(result.errors) errors") }
    }

    private func generator<P: LoadProtocol>(_ load: P) -> LoadGenerator<P> {
        LoadGenerator(
            load: load,
            pipeline: pipeline,
            keys: keys,
            seconds: seconds,
            warmUpSeconds: warmUp,
            serverProcess: serverPid
        )
    }

    private func report(_ result: LoadResult) {
        let requests = Double(max(result.requests, 1))
        printLine([
            "requests": String(result.requests), "req_per_s": fixed(Double(result.requests) / result.seconds, 0),
            "p50_us": String(result.latencies.percentile(0.5)), "p99_us": String(result.latencies.percentile(0.99)),
            "errors": String(result.errors), "values_per_reply": fixed(Double(result.values) / requests, 2),
        ])
        if let processor = result.serverMicroseconds {
            printLine(["server_cpu_us_per_request": fixed(Double(processor) / requests, 2)])
        }
    }
}
