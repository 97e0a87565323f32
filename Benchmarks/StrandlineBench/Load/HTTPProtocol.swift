// POST /get-online-features over kept HTTP/1.1 connections, which Feast's server and ours answer alike; docs/http.md.
//
//   POST /get-online-features HTTP/1.1 | host: ... | content-type: ... | content-length: 104
//   {"features":["spending:count_1h",...],"entities":{"user_id":[          42,           7]}}     12 places a number
//
//   HTTP/1.1 200 OK | ... | content-length: 1234
//   {"results":[{"values":[...],"statuses":["PRESENT",...],"event_timestamps":["1970-01-01T00:00:00Z",...]},...],...}

struct HTTPProtocol: LoadProtocol {
    enum Features {
        case service(String)
        /// References `view:feature`.
        case list([String])

        fileprivate var json: String {
            switch self {
            case .service(let name): return #""feature_service":"\#(name)""#
            case .list(let references): return #""features":["\#(references.joined(separator: #"",""#))"]"#
            }
        }
    }

    static let keyDigits = 12
    let keys: Int
    let rows: Int
    let isInOrder = true
    private let template: [UInt8]
    private let keysStart: Int
    /// Of a good reply's body. Its strings are names, statuses and times, so their number is the same whatever the values are.
    private var quotes = 0
    private(set) var replyBytesMax = 1 << 20

    /// Asks once on the socket to learn what a good reply looks like.
    init(_ socket: Socket, host: String, asked: Features, joinKey: String, keys: Int, rows: Int) throws {
        self.keys = keys
        self.rows = rows
        let before = #"{\#(asked.json),"entities":{"\#(joinKey)":["#
        let field = String(repeating: " ", count: Self.keyDigits - 1) + "0"
        let body = before + Array(repeating: field, count: rows).joined(separator: ",") + "]}}"
        let head = """
            POST /get-online-features HTTP/1.1\r
            host: \(host)\r
            content-type: application/json\r
            content-length: \(body.utf8.count)\r
            \r

            """
        template = Array((head + body).utf8)
        keysStart = head.utf8.count + before.utf8.count
        let first = try Self.ask(socket, template)
        quotes = first.quotes
        // No value, status or time is twice as long as the shortest one with its neighbours.
        replyBytesMax = 2 * first.byteCount + 4096
    }

    /// Asks once on a further connection.
    func greet(_ socket: Socket) throws {
        guard try Self.ask(socket, template).quotes == quotes else {
            throw BenchError("two replies have different shapes")
        }
    }

    var requestBytes: Int { template.count }

    func prepare(_ request: UnsafeMutableRawPointer) {
        template.withUnsafeBytes { request.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
    }

    func set(_ request: UnsafeMutableRawPointer, number: Int, _ random: inout LoadRandom) {
        var end = keysStart + Self.keyDigits
        for _ in 0..<rows {
            var rest = random.next(below: keys)
            for place in 1...Self.keyDigits {
                let isDigit = rest > 0 || place == 1
                request.storeBytes(
                    of: isDigit ? 48 + UInt8(truncatingIfNeeded: rest % 10) : UInt8(ascii: " "),
                    toByteOffset: end - place,
                    as: UInt8.self
                )
                rest /= 10
            }
            end += Self.keyDigits + 1
        }
    }

    func parse(_ bytes: UnsafeRawBufferPointer) -> Reply {
        switch Self.head(bytes) {
        case .incomplete: return .incomplete
        case .garbage: return .garbage
        case .whole(let status, let bodyStart, let byteCount):
            guard bytes.count >= byteCount else { return .incomplete }
            guard status == 200 else { return .failed(byteCount: byteCount, number: 0) }
            let strings = Self.strings(UnsafeRawBufferPointer(rebasing: bytes[bodyStart..<byteCount]))
            guard strings.quotes == quotes else { return .failed(byteCount: byteCount, number: 0) }
            // Entities are present too, in their own column.
            return .good(byteCount: byteCount, number: 0, values: max(0, strings.present - rows))
        }
    }

    // MARK: A reply

    private enum Head {
        case incomplete, garbage
        case whole(status: Int, bodyStart: Int, byteCount: Int)
    }

    /// Reads the status line and the header fields, of which only the length matters.
    private static func head(_ bytes: UnsafeRawBufferPointer) -> Head {
        var length: Int?
        var status = 0
        var start = 0
        while true {
            guard let end = bytes[start...].firstIndex(of: 10) else {
                return start + 8192 < bytes.count ? .garbage : .incomplete
            }
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if start == 0 {
                guard line.starts(with: "HTTP/1.1 ".utf8), let number = number(line, from: 9) else { return .garbage }
                status = number
            } else if line.count <= 1 {
                guard let length else { return .garbage }
                return .whole(status: status, bodyStart: end + 1, byteCount: end + 1 + length)
            } else if isLength(line) {
                length = number(line, from: Self.lengthField.count)
            }
            start = end + 1
        }
    }

    private static let lengthField = Array("content-length:".utf8)

    private static func isLength(_ line: UnsafeRawBufferPointer) -> Bool {
        line.count > lengthField.count && zip(line, lengthField).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    /// The digits from `start`, after spaces; nil when there are none or far too many.
    private static func number(_ line: UnsafeRawBufferPointer, from start: Int) -> Int? {
        let digits = line[start...].drop { $0 == UInt8(ascii: " ") }.prefix { (48...57).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    }

    /// How many quotation marks a body has, and how many strings in it begin with P, which only the status PRESENT does.
    private static func strings(_ body: UnsafeRawBufferPointer) -> (quotes: Int, present: Int) {
        var quotes = 0
        var present = 0
        var isAfterQuote = false
        for byte in body {
            present += isAfterQuote && byte == UInt8(ascii: "P") ? 1 : 0
            isAfterQuote = byte == UInt8(ascii: "\"")
            quotes += isAfterQuote ? 1 : 0
        }
        return (quotes, present)
    }

    /// One request and its reply, blocking.
    private static func ask(_ socket: Socket, _ request: [UInt8]) throws -> (quotes: Int, byteCount: Int) {
        try socket.send(request)
        var reply: [UInt8] = []
        while true {
            let (status, bodyStart, byteCount): (Int, Int, Int)
            switch reply.withUnsafeBytes({ head($0) }) {
            case .incomplete:
                reply += try socket.receive(1)
                continue
            case .garbage: throw BenchError("the server does not answer in HTTP/1.1 with a content-length")
            case .whole(let said, let start, let count): (status, bodyStart, byteCount) = (said, start, count)
            }
            let body = try socket.receive(byteCount - bodyStart)
            guard status == 200 else {
                throw BenchError("the server says \(status): \(String(decoding: body.prefix(500), as: UTF8.self))")
            }
            return (body.withUnsafeBytes { strings($0).quotes }, byteCount)
        }
    }
}
