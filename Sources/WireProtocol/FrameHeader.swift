public import NIOCore

// Multi-byte fields are copied to and from memory as they stand; the wire is little-endian.
#if !_endian(little)
#error("WireProtocol needs a little-endian host")
#endif

/// The 12 bytes before a frame's body.
///
///      0       4      5       6          8           12
///     +-------+------+-------+----------+-----------+
///     | size  | type | flags | reserved | requestID | body
///     +-------+------+-------+----------+-----------+
@frozen
public struct FrameHeader: Hashable, Sendable {
    public var type: MessageType
    /// Chosen by the client; comes back in the reply. 0 in an ERROR that answers no request.
    public var requestID: UInt32
    /// Length of the body; the size field is 8 more.
    public var bodyByteCount: Int

    public static let byteCount = 12
    /// What the size field counts besides the body.
    public static let sizeMin = 8

    @inlinable
    public init(type: MessageType, requestID: UInt32, bodyByteCount: Int) {
        self.type = type
        self.requestID = requestID
        self.bodyByteCount = bodyByteCount
    }
}

/// One message: its type, its request and its body.
@frozen
public struct Frame: Hashable, Sendable {
    public var type: MessageType
    public var requestID: UInt32
    /// A slice of the receive buffer, so it keeps all of that buffer alive.
    public var body: ByteBuffer

    @inlinable
    public init(type: MessageType, requestID: UInt32, body: ByteBuffer) {
        self.type = type
        self.requestID = requestID
        self.body = body
    }
}
