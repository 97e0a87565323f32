// LOOKUP of some entities, as of now or of a random instant, through a lookup that was prepared on each connection;
// docs/format/wire-protocol.md. Written anew here and not taken from WireProtocol: a judge shares no code with what it judges.

struct StrandlineProtocol: LoadProtocol {
    static let headerBytes = 12
    /// lookupID, options, asOf, knownAt, count.
    static let fixedBytes = 4 + 1 + 8 + 8 + 4
    /// Key length, key type, key.
    static let keyBytes = 2 + 1 + 8
    /// asOf, knownAt, count, features, options.
    static let replyHeadBytes = 8 + 8 + 4 + 2 + 1

    let prepared: PreparedService
    let keys: Int
    /// The first of a run of numbers that entities have.
    let firstKey: Int
    let rows: Int
    /// As of a random instant among the last so many microseconds; 0: as of now.
    let asOfWithin: Int
    let isInOrder = false
    var requestBytes: Int { Self.headerBytes + Self.fixedBytes + rows * Self.keyBytes }
    var replyBytesMax: Int { Self.headerBytes + Self.replyHeadBytes + rows * prepared.types.count * 9 }

    func prepare(_ request: UnsafeMutableRawPointer) {
        let bytes = Frame.lookup(prepared, keys: Array(repeating: 0, count: rows), requestID: 1)
        bytes.withUnsafeBytes { request.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
    }

    func set(_ request: UnsafeMutableRawPointer, number: Int, _ random: inout LoadRandom) {
        request.storeBytes(of: UInt32(number + 1).littleEndian, toByteOffset: 8, as: UInt32.self)
        if asOfWithin > 0 {
            let asOf = Measure.wallMicroseconds() - Int64(random.next(below: asOfWithin))
            request.storeBytes(of: 1, toByteOffset: Self.headerBytes + 4, as: UInt8.self)
            request.storeBytes(of: asOf, toByteOffset: Self.headerBytes + 5, as: Int64.self)
        }
        var place = Self.headerBytes + Self.fixedBytes + 3
        for _ in 0..<rows {
            let flipped = UInt64(bitPattern: Int64(firstKey + random.next(below: keys))) ^ (1 << 63)
            request.storeBytes(of: flipped.bigEndian, toByteOffset: place, as: UInt64.self)
            place += Self.keyBytes
        }
    }

    func parse(_ bytes: UnsafeRawBufferPointer) -> Reply {
        guard bytes.count >= Self.headerBytes else { return .incomplete }
        let size = Int(bytes.loadUnaligned(as: UInt32.self))
        guard size >= 8, size < 1 << 24 else { return .garbage }
        guard bytes.count >= 4 + size else { return .incomplete }
        // A reply may overtake others.
        let number = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) - 1
        guard bytes[4] == Frame.values else {
            return bytes[4] == Frame.error ? .failed(byteCount: 4 + size, number: number) : .garbage
        }
        guard let values = countValues(UnsafeRawBufferPointer(rebasing: bytes[Self.headerBytes..<(4 + size)])) else {
            return .garbage
        }
        return .good(byteCount: 4 + size, number: number, values: values)
    }

    /// The values of a VALUES body; nil when its length is not what its statuses ask for.
    private func countValues(_ body: UnsafeRawBufferPointer) -> Int? {
        let features = prepared.types.count
        guard body.count >= Self.replyHeadBytes,
            Int(body.loadUnaligned(fromByteOffset: 16, as: UInt32.self)) == rows,
            Int(body.loadUnaligned(fromByteOffset: 20, as: UInt16.self)) == features
        else { return nil }
        var row = Self.replyHeadBytes
        var values = 0
        for _ in 0..<rows {
            guard row + features <= body.count else { return nil }
            var place = row + features
            for feature in 0..<features where body[row + feature] & 0x80 != 0 {
                place += prepared.types[feature] == 4 ? 1 : 8
                values += 1
            }
            row = place
        }
        return row == body.count ? values : nil
    }
}

/// What PREPARED told.
struct PreparedService {
    var lookupID: UInt32
    /// Each feature's reference, `view:feature`.
    var references: [String] = []
    /// The features' types: 1 int64, 2 float64, 4 bool, 5 timestamp.
    var types: [UInt8]
}

/// Frames for what is not measured: greeting, preparing, and whole lookups for `fill-redis`.
enum Frame {
    static let error: UInt8 = 0x03
    static let values: UInt8 = 0x13

    /// Greets and prepares on a fresh connection.
    static func open(_ socket: Socket, service: String) throws -> PreparedService {
        var hello: [UInt8] = []
        append(UInt32(0x4452_5453), to: &hello)
        append(UInt16(1), to: &hello)
        append(UInt16(1), to: &hello)
        hello.append(0)
        append(string: "", to: &hello)
        append(string: "strandline-bench", to: &hello)
        _ = try ask(socket, 0x01, hello, expect: 0x02)
        var prepare: [UInt8] = [1]
        append(string: service, to: &prepare)
        return try prepared(try ask(socket, 0x10, prepare, expect: 0x11))
    }

    static func lookup(_ prepared: PreparedService, keys: [Int], requestID: UInt32) -> [UInt8] {
        var body: [UInt8] = []
        append(prepared.lookupID, to: &body)
        body.append(0)
        append(Int64(0), to: &body)
        append(Int64(0), to: &body)
        append(UInt32(keys.count), to: &body)
        for key in keys {
            append(UInt16(9), to: &body)
            body.append(1)
            append((UInt64(bitPattern: Int64(key)) ^ (1 << 63)).byteSwapped, to: &body)
        }
        return frame(0x12, requestID, body)
    }

    static func ask(_ socket: Socket, _ type: UInt8, _ body: [UInt8], expect: UInt8) throws -> [UInt8] {
        try socket.send(frame(type, 1, body))
        return try receive(socket, expect: expect)
    }

    static func receive(_ socket: Socket, expect: UInt8) throws -> [UInt8] {
        let header = try socket.receive(12)
        let size = header.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
        guard size >= 8 else { throw BenchError("a frame of \(size) bytes") }
        let body = try socket.receive(size - 8)
        guard header[4] != error else {
            throw BenchError("the server says: \(String(decoding: body.dropFirst(7), as: UTF8.self))")
        }
        guard header[4] == expect else { throw BenchError("a frame of type \(header[4]) where \(expect) was expected") }
        return body
    }

    private static func prepared(_ body: [UInt8]) throws -> PreparedService {
        var place = 4
        func number(_ count: Int) throws -> Int {
            guard place + count <= body.count else { throw BenchError("PREPARED is too short") }
            defer { place += count }
            return (0..<count).reduce(0) { $0 | Int(body[place + $1]) << (8 * $1) }
        }
        func skipString() throws { place += try number(2) }
        func string() throws -> String {
            let count = try number(2)
            guard place + count <= body.count else { throw BenchError("PREPARED is too short") }
            defer { place += count }
            return String(decoding: body[place..<(place + count)], as: UTF8.self)
        }
        try skipString()
        let joinKeys = try number(1)
        guard joinKeys == 1 else { throw BenchError("the service has \(joinKeys) join keys; the load has one int64") }
        try skipString()
        guard try number(1) == 1 else { throw BenchError("the service's join key is not int64") }
        var types: [UInt8] = []
        var references: [String] = []
        for _ in 0..<(try number(2)) {
            references.append(try string())
            types.append(UInt8(try number(1)))
        }
        guard types.allSatisfy({ $0 == 1 || $0 == 2 || $0 == 4 || $0 == 5 }) else {
            throw BenchError("the service has features that are strings, lists or maps; the load knows numbers only")
        }
        let lookupID = body.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        return PreparedService(lookupID: lookupID, references: references, types: types)
    }

    private static func frame(_ type: UInt8, _ requestID: UInt32, _ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt32(body.count + 8), to: &bytes)
        bytes += [type, 0, 0, 0]
        append(requestID, to: &bytes)
        return bytes + body
    }

    private static func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func append(string: String, to bytes: inout [UInt8]) {
        append(UInt16(string.utf8.count), to: &bytes)
        bytes.append(contentsOf: string.utf8)
    }
}
