// One connection: bytes in, frames, replies out. Runs wholly on the connection's event loop.
//
//   awaiting HELLO --valid--> open --> PREPARE, LOOKUP (resident): answered here, at once
//        |                     |-----> LOOKUP (cold), ROWS, ADMIN: the pool; the reply comes back by request id
//        |                     +--the server stops--> draining: what is in flight is answered
//        +--anything else--> ending <--ERROR-- ... : the last bytes are written, what still comes is not looked at
//
// Replies go out when the loop has read from all its connections (LoopConnections), in one write, or earlier where they
// are long: a LOOKUP of a few bytes may have a reply of a whole frame. Frames are taken, and bytes read, only while the peer reads (writability) and not too many requests wait
// for the pool: nothing is buffered without bound. ConnectionHandler+Requests answers; ConnectionHandler+Time ends
// what takes too long.

import FeatureHistory
import FeatureModel
import Logging
import NIOCore
import NIOPosix
import WireProtocol

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase { case awaitingHello, open, draining, ending }

    let shared: ServerContext
    let loop: LoopConnections
    /// Where `loop` has this connection.
    var place: Int?
    private(set) var context: ChannelHandlerContext?
    var phase = Phase.awaitingHello
    /// Whether the server counts this connection.
    private var isEntered = false

    var decoder = FrameDecoder()
    /// Of messages that are written: a checksum takes some of a frame's room.
    var limits: WireLimits
    private var received = ReceivedBytes()
    /// What is still to come of a frame that the server has no memory for.
    private var unwanted = 0
    private var isTaking = false
    private var isReadingPaused = false
    private var isWritable = true
    /// Whether the loop knows that there are replies.
    private var waitsToWrite = false
    /// The client has ended its side: it gets its replies, and sends nothing more.
    private var isInputClosed = false

    var replies = ReplyBuffer()
    var pool: PoolQueue
    var prepared: [UInt32: ConnectionLookup] = [:]
    /// Features of all of them.
    private var preparedFeatures = 0
    var nextLookupID: UInt32 = 1

    /// When the bytes came that are being taken; kept once the client has set a deadline.
    var receipt = NIODeadline.uptimeNanoseconds(0)
    var setsDeadlines = false
    /// The last sign of life, and the last time when the client took something of its replies.
    var lastHeard: NIODeadline
    var lastTaken: NIODeadline
    var began: NIODeadline

    init(_ shared: ServerContext, _ loop: LoopConnections) {
        self.shared = shared
        self.loop = loop
        limits = shared.limits
        pool = PoolQueue(shared.load)
        (lastHeard, lastTaken, began) = (loop.now, loop.now, loop.now)
    }

    // MARK: Channel events

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
        (lastHeard, lastTaken, began) = (loop.now, loop.now, loop.now)
        isEntered = shared.load.enter()
        if loop.isDraining {
            end(.stopping())
        } else if !isEntered {
            let count = shared.load.limits.connectionsMax
            end(WireError(.overloaded, "\(count) connections are open, which is all that this server takes"))
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open || phase == .awaitingHello else { return }
        lastHeard = loop.now
        if setsDeadlines { receipt = .now() }
        var incoming = unwrapInboundIn(data)
        if unwanted > 0 {
            let count = min(unwanted, incoming.readableBytes)
            incoming.moveReaderIndex(forwardBy: count)
            unwanted -= count
            guard incoming.readableBytes > 0 else { return }
        }
        take(received.joined(with: incoming))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        writeSoon()
        settle()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if !isTaking, isWritable { settle() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            endWhenAnswered()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        shared.log.debug("connection closed: \(error)")
        close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .ending
        letGoOfRequests()
        replies.drop(shared.load)
        loop.remove(self)
        if isEntered { shared.load.leave() }
        isEntered = false
        self.context = nil
        context.fireChannelInactive()
    }

    // MARK: Frames

    private var mayTake: Bool {
        (phase == .open || phase == .awaitingHello) && isWritable && pool.hasRoom
    }

    /// Answers the frames that are complete, while there is room for replies; keeps the rest.
    private func take(_ bytes: ByteBuffer) {
        var bytes = bytes
        let start = bytes.readerIndex
        isTaking = true
        do throws(WireError) {
            while mayTake, let frame = try decoder.next(from: &bytes) {
                handle(frame)
                if replies.mustBeWritten { flush() }
                if loop.isTickLong {
                    writeSoon()
                    loop.writeReplies()
                }
            }
        } catch {
            fail(error, decoder.requestID)
        }
        isTaking = false
        guard phase != .ending, bytes.readableBytes > 0 || !received.isUnused else { return }
        received.keep(
            bytes,
            hasAdvanced: bytes.readerIndex != start,
            mayTake ? loop.now : nil,
            shared.load
        )
        if mayTake, received.isCounted, shared.load.isOverBudget { refuseFrame() }
    }

    /// Gives up a frame that is not complete and for whose rest there is no memory; the connection goes on behind it.
    private func refuseFrame() {
        guard phase == .open, let bytes = received.take(), let missing = decoder.missingByteCount(in: bytes) else {
            return
        }
        received.drop(shared.load)
        unwanted = missing
        fail(.overloaded(), decoder.requestID)
    }

    /// Reads on, or stops reading, as there is room; takes what waited for it.
    private func settle() {
        if received.isEmpty, isWritable, !isReadingPaused, pool.count == 0, !isInputClosed { return }
        defer { endWhenAnswered() }
        if pool.count > 0 { computeWaiting() }
        guard phase == .open || phase == .awaitingHello else { return }
        while mayTake, received.begun == nil, let bytes = received.take() {
            take(bytes)
            writeSoon()
        }
        let mustPause = !mayTake
        guard mustPause != isReadingPaused, phase != .ending else { return }
        isReadingPaused = mustPause
        setReading(!mustPause)
        noteReplies()
    }

    /// Ends a connection whose client has ended its side, when there is nothing left to answer.
    private func endWhenAnswered() {
        guard isInputClosed, phase != .ending else { return }
        let isComplete = received.isEmpty || received.begun != nil
        if pool.count == 0, isComplete { finish() }
    }

    private func setReading(_ isOn: Bool) {
        guard let context else { return }
        if let options = context.channel.syncOptions { try? options.setOption(.autoRead, value: isOn) }
    }

    // MARK: Replies

    func reply(_ message: some WireMessage, _ requestID: UInt32) throws(WireError) {
        guard let context else { return }
        var buffer = replies.lend(context.channel.allocator, loop)
        defer { replies.giveBack(buffer) }
        try message.writeFrame(requestID: requestID, frameSizeMax: limits.frameSizeMax, into: &buffer)
    }

    /// Answers with ERROR; ends the connection when its bytes can no longer be trusted.
    func fail(_ error: WireError, _ requestID: UInt32) {
        replies.appendError(error, requestID)
        if error.closesConnection { finish() }
    }

    private func writeSoon() {
        guard !waitsToWrite, !replies.isEmpty else { return }
        waitsToWrite = true
        loop.writeSoon(self)
    }

    func flush() {
        waitsToWrite = false
        guard let context, let bytes = replies.take() else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        loop.reuse(bytes)
    }

    /// A reply of the pool: its own write, since it is no part of a read.
    func write(_ frames: ByteBuffer) {
        guard let context, phase != .ending else { return }
        let sealed = replies.seal(frames)
        context.writeAndFlush(wrapOutboundOut(sealed), promise: nil)
        if !isWritable { noteReplies() }
        settle()
    }

    /// Counts what the client has not taken.
    func noteReplies() {
        guard let context else { return }
        if replies.look(context.channel, shared.load) { lastTaken = loop.now }
    }

    // MARK: The end

    /// Says why, answering no request, and ends.
    func end(_ error: WireError) {
        replies.appendError(error, 0)
        finish()
    }

    /// Writes what is there, ends this side and waits for the other: closing at once with bytes unread would let the
    /// system throw away the last replies.
    func finish() {
        guard let context, phase != .ending else { return }
        let last = replies.take()
        phase = .ending
        began = loop.now
        letGoOfRequests()
        if isReadingPaused { setReading(true) }
        isReadingPaused = false
        guard isInputClosed else {
            if let last { context.writeAndFlush(wrapOutboundOut(last), promise: nil) }
            return context.close(mode: .output, promise: nil)
        }
        // With both sides ended the channel closes at once: not before the last bytes are out.
        context.writeAndFlush(wrapOutboundOut(last ?? ByteBuffer())).assumeIsolated().whenComplete { _ in self.close() }
    }

    /// Closes without a word.
    func close() {
        phase = .ending
        letGoOfRequests()
        context?.close(promise: nil)
    }

    private func letGoOfRequests() {
        received.drop(shared.load)
        pool.removeWaiting()
        prepared = [:]
        shared.load.hold(-Self.preparedByteCount(preparedFeatures))
        preparedFeatures = 0
    }

    // MARK: Prepared lookups

    /// Makes room for a lookup of so many features. A few of them are not counted: every connection has some.
    ///
    /// - Throws: `OVERLOADED` when there is no memory for more.
    func addPrepared(_ count: Int) throws(WireError) {
        let more = Self.preparedByteCount(preparedFeatures + count) - Self.preparedByteCount(preparedFeatures)
        guard more == 0 || shared.load.byteCount + more <= shared.load.limits.byteCountMax else { throw .overloaded() }
        preparedFeatures += count
        shared.load.hold(more)
    }

    /// Measured: 292 bytes a feature.
    private static func preparedByteCount(_ features: Int) -> Int { max(0, features - 64) * 300 }

    // MARK: What time sees

    var frameBegun: NIODeadline? { isReadingPaused ? nil : received.begun }
    var isQuiet: Bool { pool.count == 0 && !replies.isHeld }
}

extension ByteBuffer {
    /// `withUnsafeReadableBytes` that passes typed errors on.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws(WireError) -> R) throws(WireError) -> R {
        var result: Result<R, WireError>?
        withUnsafeReadableBytes { bytes in
            do throws(WireError) { result = .success(try body(bytes)) } catch { result = .failure(error) }
        }
        guard let result else { throw WireError(.internalError, "no bytes were lent") }
        return try result.get()
    }
}
