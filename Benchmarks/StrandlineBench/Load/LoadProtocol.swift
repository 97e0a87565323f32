/// What the load generator must know of a protocol. Requests have a fixed length: they stand ready in a connection's
/// send buffer, and only key and number are written anew.
protocol LoadProtocol {
    /// Bytes of one request.
    var requestBytes: Int { get }

    /// Writes a whole request with key 0 and number 0.
    func prepare(_ request: UnsafeMutableRawPointer)

    /// Puts key and number into a prepared request. `number` counts from 0 within a connection's pipeline.
    func set(_ request: UnsafeMutableRawPointer, key: Int, number: Int)

    /// Looks at the first reply in `bytes`. `pending` has a bit set for each number that is still unanswered.
    func parse(_ bytes: UnsafeRawBufferPointer, pending: UInt64) -> Reply
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
