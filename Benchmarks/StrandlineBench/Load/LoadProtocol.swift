/// What the load generator must know of a protocol. Requests have a fixed length: they stand ready in a connection's
/// send buffer, and only what varies is written anew.
protocol LoadProtocol {
    /// Bytes of one request.
    var requestBytes: Int { get }
    /// Bytes that a reply has at most.
    var replyBytesMax: Int { get }
    /// Whether replies come in the order of the requests and carry no number.
    var isInOrder: Bool { get }
    /// Entities of a request.
    var rows: Int { get }

    /// Writes a whole request with number 0.
    func prepare(_ request: UnsafeMutableRawPointer)

    /// Puts random entities, and what else is drawn, and the number into a prepared request. `number` counts from 0 within a
    /// connection's pipeline.
    func set(_ request: UnsafeMutableRawPointer, number: Int, _ random: inout LoadRandom)

    /// Looks at the first reply in `bytes`. Of a protocol in order the number is not looked at.
    func parse(_ bytes: UnsafeRawBufferPointer) -> Reply
}

enum Reply {
    /// More bytes are needed.
    case incomplete
    /// A good reply of this length, to the request of this number, with this many values that are not null.
    case good(byteCount: Int, number: Int, values: Int)
    /// A reply of this length that says that the request failed.
    case failed(byteCount: Int, number: Int)
    /// Bytes that are no reply: the connection is of no use any more.
    case garbage
}

/// Xorshift: cheap enough to be drawn for each entity.
struct LoadRandom {
    private var state: UInt64

    init() { state = Measure.nanoseconds() | 1 }

    /// 0 ..< bound.
    @inline(__always)
    mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int((state >> 16) % UInt64(bound))
    }
}
