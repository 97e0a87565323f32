import ArgumentParser

struct FillRedisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fill-redis",
        abstract: "Copy a service's values from a Strandline server into Redis hashes, so that both hold the same.",
        discussion: """
            Entity 42 becomes the hash e:000000000042 with the fields f0, f1, ... in the service's order; numbers as
            their shortest text, a missing value as the empty text. And b:000000000042, a packed value of 8 bytes a field.

              strandline-bench fill-redis --from 127.0.0.1:6567 --redis 127.0.0.1:7399 --service ten --keys 100000
            """
    )

    @Option(help: "host:port of the Strandline server.")
    var from: String

    @Option(help: "host:port of the Redis server.")
    var redis: String

    @Option(help: "The feature service.")
    var service = "ten"

    @Option(help: "Entities 0 ..< keys are copied.")
    var keys = 100_000

    private static let batch = 100

    func run() throws {
        let source = try Socket(to: from)
        let target = try Socket(to: redis)
        defer {
            source.shut()
            target.shut()
        }
        let prepared = try Frame.open(source, service: service)
        var values = 0
        for start in stride(from: 0, to: keys, by: Self.batch) {
            let entities = Array(start..<min(keys, start + Self.batch))
            try source.send(Frame.lookup(prepared, keys: entities, requestID: 1))
            let rows = try rows(try Frame.receive(source, expect: Frame.values), prepared, entities.count)
            let commands = zip(entities, rows).map { entity, row in
                Self.command(["HSET", RedisProtocol.key(entity)] + Self.fields(row))
                    // One packed value of the same size as a row of doubles.
                    + Self.command(
                        ["SET", RedisProtocol.key(entity, "b"), String(repeating: "x", count: row.count * 8)]
                    )
            }
            try target.send(Array(commands.joined().utf8))
            for _ in entities {
                try expect(":", target)
                try expect("+", target)
            }
            values += rows.reduce(0) { $0 + $1.filter { !$0.isEmpty }.count }
        }
        printLine(
            ["entities": String(keys), "fields": String(prepared.types.count), "values": String(values)],
            title: "filled"
        )
    }

    private static func fields(_ row: [String]) -> [String] {
        row.enumerated().flatMap { ["f\($0.offset)", $0.element] }
    }

    private static func command(_ words: [String]) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    private func rows(_ body: [UInt8], _ prepared: PreparedService, _ count: Int) throws -> [[String]] {
        var place = 23
        func take<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
            guard place + MemoryLayout<T>.size <= body.count else { throw BenchError("a VALUES reply is too short") }
            defer { place += MemoryLayout<T>.size }
            return body.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: T.self)) }
        }
        var rows: [[String]] = []
        for _ in 0..<count {
            let statuses = try prepared.types.map { _ in try take(UInt8.self) }
            rows.append(
                try zip(statuses, prepared.types).map { status, type in
                    guard status & 0x80 != 0 else { return "" }
                    switch type {
                    case 2: return "\(Double(bitPattern: try take(UInt64.self)))"
                    case 4: return "\(try take(UInt8.self))"
                    default: return "\(try take(Int64.self))"
                    }
                }
            )
        }
        guard place == body.count else { throw BenchError("a VALUES reply is too long") }
        return rows
    }

    /// A reply `:<number>` of HSET, or `+OK` of SET.
    private func expect(_ first: Character, _ socket: Socket) throws {
        var line: [UInt8] = []
        repeat { line += try socket.receive(1) } while line.last != 10
        guard line.first == first.asciiValue else {
            throw BenchError("Redis says: \(String(decoding: line, as: UTF8.self))")
        }
    }
}
