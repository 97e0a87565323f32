import NIOCore
import WireProtocol

/// What a connection has sent and nobody has taken yet: mostly nothing, else the beginning of a frame, or whole frames that wait
/// until the connection is read again. It grows with the bytes that came, never with what a size field promises.
struct ReceivedBytes {
    private var bytes: ByteBuffer?
    /// What the server's load counts for this connection: all but small beginnings.
    private var held = 0
    private static let uncounted = 2 << 10

    /// When the first of them came; nil where there are none, or where none is missing.
    private(set) var begun: NIODeadline?

    var isEmpty: Bool { bytes == nil }
    var isCounted: Bool { held > 0 }
    /// Nothing is here, nor was at the last look.
    var isUnused: Bool { bytes == nil && begun == nil && held == 0 }

    /// The bytes so far with these behind; nothing is left here. `keep` is owed.
    mutating func joined(with incoming: ByteBuffer) -> ByteBuffer {
        guard var all = bytes else { return incoming }
        bytes = nil
        all.writeImmutableBuffer(incoming)
        return all
    }

    /// What waits. `keep` is owed.
    mutating func take() -> ByteBuffer? {
        defer { bytes = nil }
        return bytes
    }

    /// Keeps what was not taken, in a buffer of its own: a slice would keep all that was read alive.
    ///
    /// - Parameters:
    ///   - hasAdvanced: whether a frame was taken from its front.
    ///   - now: nil where the frames are complete and wait for the server.
    mutating func keep(_ rest: ByteBuffer, hasAdvanced: Bool, _ now: NIODeadline?, _ load: ServerLoad) {
        let count = rest.readableBytes
        guard count > 0 else { return drop(load) }
        if count + Self.uncounted < rest.storageCapacity / 2 || hasAdvanced {
            var own = ByteBufferAllocator().buffer(capacity: count)
            own.writeImmutableBuffer(rest)
            bytes = own
        } else {
            bytes = rest
        }
        if hasAdvanced || begun == nil || now == nil { begun = now }
        let storage = bytes?.storageCapacity ?? 0
        let counted = storage > Self.uncounted ? storage : 0
        load.hold(counted - held)
        held = counted
    }

    mutating func drop(_ load: ServerLoad) {
        bytes = nil
        begun = nil
        load.hold(-held)
        held = 0
    }
}
