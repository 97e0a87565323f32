// HMGET of all fields of a hash, or GET of one packed value, in RESP2.
//
//   *12 | $5 HMGET | $14 e:000000000042 | $2 f0 | $2 f1 | ...           request: an array of bulk strings
//   *10 | $5 29.73 | $-1 | ...                                          reply: one bulk string (or null) a field
//   *2 | $3 GET | $14 b:000000000042          $80 ...                   one packed value

struct RedisProtocol: LoadProtocol {
    static let keyDigits = 12
    let keys: Int
    /// Fields of an HMGET; nil: GET.
    let fields: Int?
    let rows = 1
    let isInOrder = true
    private let template: [UInt8]
    private let digitsEnd: Int

    init(keys: Int, fields: Int?) {
        self.keys = keys
        self.fields = fields
        let key = Self.key(0, fields == nil ? "b" : "e")
        let words = fields.map { ["HMGET", key] + (0..<$0).map { "f\($0)" } } ?? ["GET", key]
        func text(_ words: some Collection<String>) -> String {
            words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        }
        template = Array(("*\(words.count)\r\n" + text(words)).utf8)
        digitsEnd = ("*\(words.count)\r\n" + text(words.prefix(2))).utf8.count - 2
    }

    var replyBytesMax: Int { (fields ?? 4) * 40 + 64 }

    static func key(_ entity: Int, _ prefix: String = "e") -> String {
        let digits = String(entity)
        return prefix + ":" + String(repeating: "0", count: keyDigits - digits.utf8.count) + digits
    }

    var requestBytes: Int { template.count }

    func prepare(_ request: UnsafeMutableRawPointer) {
        template.withUnsafeBytes { request.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
    }

    func set(_ request: UnsafeMutableRawPointer, number: Int, _ random: inout LoadRandom) {
        var rest = random.next(below: keys)
        for place in 1...Self.keyDigits {
            request.storeBytes(
                of: 48 + UInt8(truncatingIfNeeded: rest % 10),
                toByteOffset: digitsEnd - place,
                as: UInt8.self
            )
            rest /= 10
        }
    }

    func parse(_ bytes: UnsafeRawBufferPointer) -> Reply {
        guard let first = bytes.first else { return .incomplete }
        guard let (count, start) = Self.line(bytes, from: 1) else { return .incomplete }
        if first == UInt8(ascii: "-") { return .failed(byteCount: start, number: 0) }
        guard let fields else {
            guard first == UInt8(ascii: "$"), count >= 0, count < 1 << 20 else { return .garbage }
            guard bytes.count >= start + count + 2 else { return .incomplete }
            return .good(byteCount: start + count + 2, number: 0, values: 1)
        }
        guard first == UInt8(ascii: "*"), count == fields else { return .garbage }
        var place = start
        var values = 0
        for _ in 0..<fields {
            guard place < bytes.count else { return .incomplete }
            guard bytes[place] == UInt8(ascii: "$") else { return .garbage }
            guard let (length, next) = Self.line(bytes, from: place + 1) else { return .incomplete }
            place = next
            if length == -1 { continue }
            guard length >= 0 else { return .garbage }
            place += length + 2
            guard place <= bytes.count else { return .incomplete }
            guard bytes[place - 2] == 13, bytes[place - 1] == 10 else { return .garbage }
            values += 1
        }
        return .good(byteCount: place, number: 0, values: values)
    }

    /// The number in a line from `start`, and where the next line starts; nil when the line's end is not there yet.
    /// A line of text counts as -2.
    private static func line(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (number: Int, next: Int)? {
        var place = start
        var number = 0
        var isNegative = false
        var isNumber = true
        while place < bytes.count {
            let byte = bytes[place]
            if byte == 10 { return (isNumber ? (isNegative ? -number : number) : -2, place + 1) }
            switch byte {
            case 48...57: number = min(number, 1 << 40) * 10 + Int(byte - 48)
            case UInt8(ascii: "-") where place == start: isNegative = true
            case 13: break
            default: isNumber = false
            }
            place += 1
        }
        return nil
    }
}
