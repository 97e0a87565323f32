import NIOCore
import WireProtocol

/// The replies of a connection since its last write, and what it knows of those that its client has not taken.
struct ReplyBuffer {
    /// Replies beyond this are written before the next frame is taken.
    static let byteCountMax = 64 << 10
    static let usualByteCount = 1 << 10
    /// Larger buffers are not kept for the next replies.
    static let reusedByteCountMax = 16 << 10

    /// With the agreement of both sides frames are sealed on their way out.
    var checksums = false
    private var bytes: ByteBuffer?
    /// Bytes written, and how many of those the client had taken when it was last looked at.
    private var written = 0
    private var taken = 0
    /// Whether something was written since then.
    private var isFresh = false
    /// What the server's load counts for this connection.
    private var held = 0

    var isEmpty: Bool { (bytes?.readableBytes ?? 0) == 0 }
    var mustBeWritten: Bool { (bytes?.readableBytes ?? 0) > Self.byteCountMax }

    /// Lends the buffer, to append whole frames; `giveBack` is owed. It is moved out and not passed on by reference: an access
    /// to this struct that lasts while a lookup is evaluated makes every access inside it dearer (1 us a lookup, measured).
    mutating func lend(_ allocator: ByteBufferAllocator, _ loop: LoopConnections) -> ByteBuffer {
        guard let buffer = bytes else { return loop.buffer(allocator) }
        bytes = nil
        return buffer
    }

    mutating func giveBack(_ buffer: ByteBuffer) { bytes = buffer }

    mutating func appendError(_ error: WireError, _ requestID: UInt32) {
        var buffer = bytes ?? ByteBuffer()
        bytes = nil
        FrameWriter.writeError(error, requestID: requestID, into: &buffer)
        bytes = buffer
    }

    /// What is to be written now; nil where there is nothing.
    mutating func take() -> ByteBuffer? {
        guard let buffer = bytes, buffer.readableBytes > 0 else { return nil }
        bytes = nil
        return seal(buffer)
    }

    /// A reply of the pool, ready to be written.
    mutating func seal(_ frames: ByteBuffer) -> ByteBuffer {
        let sealed = checksums ? FrameChecksum.seal(frames) : frames
        written &+= sealed.readableBytes
        isFresh = true
        return sealed
    }

    // MARK: What the client takes

    /// Looks at what the channel still holds, and counts it.
    ///
    /// - Returns: true when the client took something since the last look, or there is nothing to take.
    mutating func look(_ channel: any Channel, _ load: ServerLoad) -> Bool {
        guard isFresh || held > 0 else { return true }
        isFresh = false
        let buffered = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        load.hold(buffered - held)
        held = buffered
        let before = taken
        taken = written &- buffered
        return buffered == 0 || taken > before
    }

    /// Whether the client has something to take.
    var isHeld: Bool { held > 0 }

    mutating func drop(_ load: ServerLoad) {
        bytes = nil
        load.hold(-held)
        held = 0
    }
}
