// Replies that a load kept, against a plain count over the records that the server was filled with.

import ArgumentParser
import FeatureModel
import Glibc

struct CheckRepliesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-replies",
        abstract: "Compare replies that load --samples kept with a plain count, bit for bit.",
        discussion: """
            The options of the records must be those that the server was filled with.

              strandline-bench check-replies samples.bin --records 2000000 --keys 100000 --until 1764000000000000
            """
    )

    @Argument(help: "What load --samples wrote.")
    var path: String

    @Option(help: "host:port of the server, which tells what the service's features are.")
    var address: String

    @Option(help: "The feature service.")
    var service = "ten"

    @OptionGroup var records: RecordOptions

    func run() throws {
        let socket = try Socket(to: address)
        let prepared = try Frame.open(socket, service: service)
        socket.shut()
        let features = try prepared.references.map { try PlainFeature(reference: $0) }
        let log = PlainLog(records.generator(), keys: records.keys)
        var samples = try SampledReplies(path)
        var (replies, values, empty, mismatches) = (0, 0, 0, 0)
        while let sample = try samples.next() {
            replies += 1
            for (entity, row) in try sample.rows(prepared) {
                let found = log.values(of: entity, features, asOf: sample.asOf)
                for (index, value) in row.enumerated() {
                    values += 1
                    if found[index].isEmpty { empty += 1 }
                    guard !PlainQuery.isSame(value, found[index].value) else { continue }
                    mismatches += 1
                    if mismatches <= 5 {
                        let place = "entity \(entity), T \(sample.asOf), \(prepared.references[index])"
                        printLine(["server": "\(value)", "expected": "\(found[index].value)"], title: place)
                    }
                }
            }
        }
        let filled = 1 - Double(empty) / Double(max(values, 1))
        printLine([
            "replies": String(replies), "values": String(values), "nonempty": fixed(filled, 3),
            "mismatches": String(mismatches),
        ])
        guard mismatches == 0, replies > 0 else { throw BenchError("the replies are not right, or there are none") }
    }
}

/// A feature by its default name, such as `spending:amount_sum_7d` or `spending:count_1h`.
struct PlainFeature {
    let function: AggregateFunction
    let length: Int64

    init(reference: String) throws {
        let words = reference.split(separator: ":").last.map { $0.split(separator: "_") } ?? []
        guard words.count >= 2, let function = AggregateFunction(rawValue: String(words[words.count - 2])),
            let length = TimeWindow.microseconds(in: String(words[words.count - 1]))
        else { throw BenchError("'\(reference)' does not tell its function and window") }
        self.function = function
        self.length = length
    }
}

/// The records of each entity, oldest first.
struct PlainLog {
    private var starts: [Int]
    private var events: [(time: Int64, cents: Int64)]

    init(_ generator: RecordGenerator, keys: Int) {
        let entities = (0..<generator.records).map { Int32(generator.entity($0)) }
        starts = [Int](repeating: 0, count: keys + 1)
        for entity in entities { starts[Int(entity) + 1] += 1 }
        for entity in 0..<keys { starts[entity + 1] += starts[entity] }
        var next = starts
        events = Array(repeating: (0, 0), count: entities.count)
        for (number, entity) in entities.enumerated() {
            events[next[Int(entity)]] = (generator.eventTime(number), Int64(generator.cents(number)))
            next[Int(entity)] += 1
        }
    }

    /// Over the records with T - length <= time < T.
    func values(of entity: Int, _ features: [PlainFeature], asOf: Int64) -> [(value: FeatureValue, isEmpty: Bool)] {
        var windows = features.map { _ in PlainWindow() }
        for (time, cents) in events[starts[entity]..<starts[entity + 1]] where time < asOf {
            for (index, feature) in features.enumerated() where time >= asOf - feature.length {
                windows[index].add(cents: cents)
            }
        }
        return zip(features, windows).map { ($1.value(of: $0.function), $1.count == 0) }
    }
}

/// A file of requests and replies, each with its length in front.
struct SampledReplies {
    struct Sample {
        var request: [UInt8]
        var reply: [UInt8]

        /// The T that the server says it used.
        var asOf: Int64 {
            reply.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: StrandlineProtocol.headerBytes, as: Int64.self) }
        }

        /// The entities and what the reply says of each.
        func rows(_ prepared: PreparedService) throws -> [(entity: Int, values: [FeatureValue])] {
            let count = (request.count - StrandlineProtocol.headerBytes - StrandlineProtocol.fixedBytes)
            var place = StrandlineProtocol.headerBytes + StrandlineProtocol.replyHeadBytes
            func number(_ offset: Int) throws -> UInt64 {
                guard offset + 8 <= reply.count else { throw BenchError("a kept reply is too short") }
                return reply.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
            }
            return try (0..<(count / StrandlineProtocol.keyBytes)).map { row in
                let key =
                    StrandlineProtocol.headerBytes + StrandlineProtocol.fixedBytes + row * StrandlineProtocol.keyBytes
                    + 3
                let flipped = request.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: key, as: UInt64.self) }
                let statuses = reply[place..<(place + prepared.types.count)]
                place += prepared.types.count
                let values = try zip(statuses, prepared.types).map { status, type -> FeatureValue in
                    guard status & 0x80 != 0 else { return .null }
                    defer { place += 8 }
                    let slot = try number(place)
                    return type == 2 ? .float64(Double(bitPattern: slot)) : .int64(Int64(bitPattern: slot))
                }
                return (Int(Int64(bitPattern: flipped.byteSwapped ^ (1 << 63))), values)
            }
        }
    }

    private let bytes: [UInt8]
    private var place = 0

    init(_ path: String) throws {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw BenchError("'\(path)' cannot be read") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(file, &part, part.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: part[..<count])
        }
        self.bytes = bytes
    }

    mutating func next() throws -> Sample? {
        guard place < bytes.count else { return nil }
        return Sample(request: try take(), reply: try take())
    }

    private mutating func take() throws -> [UInt8] {
        guard place + 4 <= bytes.count else { throw BenchError("the file of samples is cut short") }
        let count = bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: place, as: UInt32.self)) }
        guard place + 4 + count <= bytes.count else { throw BenchError("the file of samples is cut short") }
        defer { place += 4 + count }
        return Array(bytes[(place + 4)..<(place + 4 + count)])
    }
}
