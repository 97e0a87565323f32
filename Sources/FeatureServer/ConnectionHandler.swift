// One connection: bytes in, frames, replies out. Runs wholly on the connection's event loop.
//
//   awaiting HELLO --valid--> greeted --> PREPARE, LOOKUP (resident): answered here, at once
//        |                       |------> LOOKUP (cold), ROWS, ADMIN: the pool; the reply comes back by request id
//        +--anything else--> ERROR, closed
//
// Replies of one read go out in one write, or several where they are long: a LOOKUP of a few bytes may have a reply of a
// whole frame. Frames are taken, and bytes read, only while the peer reads (writability) and not too many requests wait
// for the pool: nothing is buffered without bound.

import FeatureHistory
import FeatureModel
import Logging
import NIOCore
import NIOPosix
import WireProtocol

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: ServerContext
    private var decoder = FrameDecoder()
    private var isGreeted = false
    private var isClosing = false
    /// Bytes of a frame that is not complete yet.
    private var pending: ByteBuffer?
    /// Replies since the last write.
    private var replies: ByteBuffer?
    private var prepared: [UInt32: PreparedLookup] = [:]
    private var nextLookupID: UInt32 = 1
    /// Requests that the pool is working on.
    private var inFlight = 0
    private var isReadingPaused = false
    private let scratch = ReadScratch()
    /// Replies beyond this are written before the next frame is taken.
    private static let repliesByteCountMax = 1 << 20

    init(_ shared: ServerContext) { self.shared = shared }

    // MARK: Channel events

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        var incoming = unwrapInboundIn(data)
        if pending == nil {
            take(&incoming, context)
            if incoming.readableBytes > 0 { pending = incoming }
        } else {
            pending?.writeBuffer(&incoming)
            guard var all = pending else { return }
            pending = nil
            take(&all, context)
            keep(all)
        }
    }

    private func keep(_ rest: ByteBuffer) {
        guard rest.readableBytes > 0, !isClosing else { return }
        pending = rest
        // A slice would keep everything read so far alive for as long as the rest is missing.
        pending?.discardReadBytes()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        updateReading(context)
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        shared.log.debug("connection closed: \(error)")
        isClosing = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        context.fireChannelInactive()
    }

    // MARK: Frames

    private func take(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) {
        do throws(WireError) {
            while !isClosing, !isReadingPaused, let frame = try decoder.next(from: &bytes) {
                handle(frame, context)
                if (replies?.readableBytes ?? 0) > Self.repliesByteCountMax { flush(context) }
            }
        } catch {
            fail(error, decoder.requestID, context)
        }
    }

    private func handle(_ frame: Frame, _ context: ChannelHandlerContext) {
        do throws(WireError) {
            guard isGreeted || frame.type == .hello else {
                throw WireError(.notGreeted, "the first message must be HELLO")
            }
            switch frame.type {
            case .hello: try greet(frame)
            case .prepare: try prepare(frame)
            case .lookup: try lookup(frame, context)
            case .rows: try rows(frame, context)
            case .admin: try admin(frame, context)
            case .ping:
                _ = try Ping(body: frame.body, limits: shared.limits)
                try reply(Pong(), frame.requestID)
            default: throw WireError(.unknownMessage, "a server does not take messages of type \(frame.type)")
            }
        } catch {
            fail(error, frame.requestID, context)
        }
    }

    private func greet(_ frame: Frame) throws(WireError) {
        guard !isGreeted else { throw WireError(.notGreeted, "a second HELLO") }
        let hello = try Hello(body: frame.body, limits: shared.limits)
        guard hello.versionMin <= WireVersion.current, hello.versionMax >= WireVersion.current else {
            throw WireError(
                .versionUnsupported,
                "this server speaks version \(WireVersion.current), the client \(hello.versionMin) to \(hello.versionMax)"
            )
        }
        if let tokens = shared.tokens {
            guard let token = hello.token, tokens.contains(token) else {
                throw WireError(.unauthenticated, "a valid token is needed")
            }
        }
        isGreeted = true
        decoder.frameSizeMax = shared.limits.frameSizeMax
        try reply(Welcome(limits: shared.limits, serverName: shared.serverName), frame.requestID)
    }

    private func prepare(_ frame: Frame) throws(WireError) {
        let request = try PrepareRequest(body: frame.body, limits: shared.limits)
        guard prepared.count < WireVersion.preparedLookupsMax else {
            throw WireError(
                .tooMany,
                "\(WireVersion.preparedLookupsMax) lookups are prepared on this connection already"
            )
        }
        let lookup = try PreparedLookup(request.target, in: shared.store.catalog, shared.latency)
        let id = nextLookupID
        nextLookupID += 1
        prepared[id] = lookup
        try reply(
            PreparedReply(
                lookupID: id,
                definitionHash: lookup.plan.definitionHash,
                joinKeys: lookup.plan.joinKeys,
                features: lookup.plan.features.map {
                    PreparedReply.Feature(reference: $0.reference.description, type: $0.type)
                },
                request: lookup.plan.request
            ),
            frame.requestID
        )
    }

    /// The prepared lookup, compiled for the definitions of now.
    private func current(_ id: UInt32) throws(WireError) -> PreparedLookup {
        guard var lookup = prepared[id] else {
            throw WireError(.unknownLookup, "lookup \(id) was not prepared on this connection")
        }
        if lookup.plan.generation != shared.store.generation {
            try lookup.refresh(in: shared.store.catalog)
            prepared[id] = lookup
        }
        return lookup
    }

    // MARK: Lookups

    private func lookup(_ frame: Frame, _ context: ChannelHandlerContext) throws(WireError) {
        let start = NIODeadline.now()
        let isDone = try frame.body.withBytes { bytes throws(WireError) in
            let request = try LookupRequestView(bytes, limits: shared.limits)
            let lookup = try current(request.lookupID)
            let isDone = try withReplies(context) { buffer throws(WireError) in
                try LookupResponder(store: shared.store, limits: shared.limits)
                    .respondFromMemory(request, lookup, frame.requestID, scratch, into: &buffer)
            }
            if isDone { lookup.latency.record(since: start, rows: request.count) }
            return isDone
        }
        guard !isDone else { return }
        // Some entity is not in memory: the whole request goes to the pool, with a copy of its bytes that it owns.
        let lookup = try current(
            try frame.body.withBytes { bytes throws(WireError) in
                try LookupRequestView(bytes, limits: shared.limits).lookupID
            }
        )
        let server = shared
        runOnPool(frame, context) { buffer throws(WireError) in
            try frame.body.withBytes { bytes throws(WireError) in
                let request = try LookupRequestView(bytes, limits: server.limits)
                try LookupResponder(store: server.store, limits: server.limits)
                    .respond(request, lookup, frame.requestID, ReadScratch(), into: &buffer)
                lookup.latency.record(since: start, rows: request.count)
            }
        }
    }

    private func rows(_ frame: Frame, _ context: ChannelHandlerContext) throws(WireError) {
        let lookup = try frame.body.withBytes { bytes throws(WireError) in
            try current(try RowsRequestView(bytes, limits: shared.limits).lookupID)
        }
        let server = shared
        runOnPool(frame, context) { buffer throws(WireError) in
            try frame.body.withBytes { bytes throws(WireError) in
                try RowsResponder(store: server.store, limits: server.limits)
                    .respond(try RowsRequestView(bytes, limits: server.limits), lookup, frame.requestID, into: &buffer)
            }
        }
    }

    private func admin(_ frame: Frame, _ context: ChannelHandlerContext) throws(WireError) {
        let request = try AdminRequest(body: frame.body, limits: shared.limits)
        let server = shared
        runOnPool(frame, context) { buffer throws(WireError) in
            let body = try server.admin.answer(request)
            try AdminReply(body: body).writeFrame(
                requestID: frame.requestID,
                frameSizeMax: server.limits.frameSizeMax,
                into: &buffer
            )
        }
    }

    // MARK: The pool

    /// Runs `work` on the pool; its bytes, or its error, become the reply.
    private func runOnPool(
        _ frame: Frame,
        _ context: ChannelHandlerContext,
        _ work: @escaping @Sendable (inout ByteBuffer) throws(WireError) -> Void
    ) {
        inFlight += 1
        updateReading(context)
        let allocator = context.channel.allocator
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        shared.pool.submit { state in
            var buffer = allocator.buffer(capacity: 1024)
            if state == .active {
                do throws(WireError) { try work(&buffer) } catch {
                    FrameWriter.writeError(error, requestID: frame.requestID, into: &buffer)
                }
            } else {
                FrameWriter.writeError(
                    WireError(.notReady, "the server is stopping"),
                    requestID: frame.requestID,
                    into: &buffer
                )
            }
            let reply = buffer
            eventLoop.execute {
                let (handler, context) = loopBound.value
                handler.finished(reply, context)
            }
        }
    }

    private func finished(_ reply: ByteBuffer, _ context: ChannelHandlerContext) {
        inFlight -= 1
        guard !isClosing else { return }
        context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        updateReading(context)
    }

    private func updateReading(_ context: ChannelHandlerContext) {
        let mustPause = !context.channel.isWritable || inFlight >= WireVersion.requestsInFlightMax
        guard mustPause != isReadingPaused, !isClosing else { return }
        isReadingPaused = mustPause
        context.channel.setOption(.autoRead, value: !mustPause).assumeIsolated().whenFailure { _ in }
        guard !mustPause, var waiting = pending else { return }
        pending = nil
        take(&waiting, context)
        keep(waiting)
        flush(context)
    }

    // MARK: Replies

    private func withReplies<R>(
        _ context: ChannelHandlerContext,
        _ body: (inout ByteBuffer) throws(WireError) -> R
    ) throws(WireError) -> R {
        var buffer = replies ?? context.channel.allocator.buffer(capacity: 4096)
        replies = nil
        defer { replies = buffer }
        return try body(&buffer)
    }

    private func reply(_ message: some WireMessage, _ requestID: UInt32) throws(WireError) {
        var buffer = replies ?? ByteBuffer()
        replies = nil
        defer { replies = buffer }
        try message.writeFrame(requestID: requestID, frameSizeMax: shared.limits.frameSizeMax, into: &buffer)
    }

    private func fail(_ error: WireError, _ requestID: UInt32, _ context: ChannelHandlerContext) {
        var buffer = replies ?? ByteBuffer()
        replies = nil
        FrameWriter.writeError(error, requestID: requestID, into: &buffer)
        replies = buffer
        guard error.closesConnection else { return }
        isClosing = true
        pending = nil
        let last = replies ?? ByteBuffer()
        replies = nil
        context.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard let buffer = replies, buffer.readableBytes > 0 else { return }
        replies = nil
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
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
