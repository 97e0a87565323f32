// What a connection does with a frame.

import FeatureHistory
import FeatureModel
import NIOCore
import NIOPosix
import WireProtocol

extension ConnectionHandler {
    func handle(_ frame: Frame) {
        do throws(WireError) {
            guard phase == .open || frame.type == .hello else {
                throw WireError(.notGreeted, "the first message must be HELLO")
            }
            switch frame.type {
            case .hello: try greet(frame)
            case .prepare: try prepare(frame)
            case .lookup: try lookup(frame)
            case .rows: try rows(frame)
            case .events: try events(frame)
            case .historyPage: try historyPage(frame)
            case .admin: try admin(frame)
            case .ping:
                _ = try Ping(body: frame.body, limits: limits)
                try reply(Pong(), frame.requestID)
            default: throw WireError(.unknownMessage, "a server does not take messages of type \(frame.type)")
            }
        } catch {
            fail(error, frame.requestID)
        }
    }

    private func greet(_ frame: Frame) throws(WireError) {
        guard phase == .awaitingHello else { throw WireError(.notGreeted, "a second HELLO") }
        let hello = try Hello(body: frame.body, limits: limits)
        guard hello.versionMin <= WireVersion.current, hello.versionMax >= WireVersion.current else {
            throw WireError(
                .versionUnsupported,
                "this server speaks version \(WireVersion.current), the client \(hello.versionMin) to \(hello.versionMax)"
            )
        }
        guard shared.security.admits(hello.token) else {
            throw WireError(.unauthenticated, "a valid token is needed")
        }
        phase = .open
        decoder.frameSizeMax = shared.limits.frameSizeMax
        let welcome = Welcome(limits: shared.limits, serverName: shared.serverName, options: hello.options)
        try reply(welcome, frame.requestID)
        guard hello.options?.contains(.checksums) == true else { return }
        // WELCOME goes as it is; all that follows has a checksum, both ways.
        flush()
        replies.checksums = true
        decoder.checksums = true
        limits.frameSizeMax -= FrameChecksum.byteCount
    }

    private func prepare(_ frame: Frame) throws(WireError) {
        let request = try PrepareRequest(body: frame.body, limits: limits)
        guard prepared.count < WireVersion.preparedLookupsMax else {
            throw WireError(
                .tooMany,
                "\(WireVersion.preparedLookupsMax) lookups are prepared on this connection already"
            )
        }
        let lookup = try shared.plans.lookup(request.target, in: shared.store.catalog)
        try addPrepared(lookup.plan.features.count)
        let id = nextLookupID
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
        nextLookupID += 1
        prepared[id] = ConnectionLookup(lookup, shared)
    }

    /// The prepared lookup, compiled for the definitions of now.
    private func current(_ id: UInt32) throws(WireError) -> ConnectionLookup {
        guard let known = prepared[id] else {
            throw WireError(.unknownLookup, "lookup \(id) was not prepared on this connection")
        }
        guard known.lookup.plan.generation != shared.store.generation else { return known }
        let refreshed = ConnectionLookup(
            try known.lookup.refreshed(shared.plans, in: shared.store.catalog),
            shared
        )
        prepared[id] = refreshed
        return refreshed
    }

    /// When the answer is of no more use.
    ///
    /// - Throws: `DEADLINE_EXCEEDED` when that is now: the frame waited behind others.
    private func expiry(_ deadline: UInt32?) throws(WireError) -> NIODeadline? {
        guard let deadline else { return nil }
        if !setsDeadlines {
            setsDeadlines = true
            receipt = .now()
        }
        let expiry = receipt + .microseconds(Int64(deadline))
        guard expiry > .now() else { throw .deadlineExceeded() }
        return expiry
    }

    // MARK: Lookups

    private func lookup(_ frame: Frame) throws(WireError) {
        guard let allocator = context?.channel.allocator else { return }
        let start = NIODeadline.now()
        var expiry: NIODeadline?
        var isShort = true
        let rest = try frame.body.withBytes { bytes throws(WireError) -> ConnectionLookup? in
            let request = try LookupRequestView(bytes, limits: self.limits)
            let known = try current(request.lookupID)
            expiry = try self.expiry(request.deadline)
            let cells = request.count * known.lookup.layout.types.count
            // The loop is everybody's: what would hold it for a millisecond is the pool's.
            isShort = cells <= ServerLimits.loopCellsMax
            guard isShort else { return known }
            var buffer = replies.lend(allocator, loop)
            defer { replies.giveBack(buffer) }
            guard try answer(request, known.lookup, frame.requestID, into: &buffer) else { return known }
            known.latency.record(since: start, rows: request.count)
            loop.didAnswer(cells: cells)
            return nil
        }
        guard let known = rest else { return }
        // Some entity is not in memory, a commit is busy with its shard, or there are many: the whole request goes to the
        // pool, with a copy of its bytes that it owns.
        let body = owned(frame.body)
        let (store, load) = (shared.store, shared.load)
        let limits = self.limits
        try compute(frame, body.storageCapacity, expiry, isShort: isShort) { buffer throws(WireError) in
            try body.withBytes { bytes throws(WireError) in
                let request = try LookupRequestView(bytes, limits: limits)
                try Self.withLimits(limits, load) { limits throws(WireError) in
                    let responder = LookupResponder(store: store, limits: limits)
                    let (id, lookup, scratch) = (frame.requestID, known.lookup, ReadScratch())
                    guard
                        try !responder.respondFromMemory(request, lookup, id, scratch, waits: true, into: &buffer)
                    else { return }
                    try responder.respond(request, lookup, id, scratch, into: &buffer)
                }
                known.latency.record(since: start, rows: request.count)
            }
        }
    }

    /// - Returns: false, with nothing written, when some entity is not in memory.
    private func answer(
        _ request: LookupRequestView,
        _ lookup: PreparedLookup,
        _ requestID: UInt32,
        into buffer: inout ByteBuffer
    ) throws(WireError) -> Bool {
        try Self.withLimits(limits, shared.load) { limits throws(WireError) in
            try LookupResponder(store: shared.store, limits: limits)
                .respondFromMemory(request, lookup, requestID, loop.scratch, waits: false, into: &buffer)
        }
    }

    /// Clients that do not read may hold the memory for replies: others get theirs as long as they are short.
    @inline(__always)
    private static func withLimits<R>(
        _ limits: WireLimits,
        _ load: ServerLoad,
        _ body: (WireLimits) throws(WireError) -> R
    ) throws(WireError) -> R {
        guard load.isOverBudget else { return try body(limits) }
        do throws(WireError) { return try body(limits.short) } catch {
            throw error.code == .tooMany ? .overloaded() : error
        }
    }

    private func rows(_ frame: Frame) throws(WireError) {
        var expiry: NIODeadline?
        let lookup = try frame.body.withBytes { bytes throws(WireError) in
            let request = try RowsRequestView(bytes, limits: self.limits)
            let lookup = try current(request.lookupID).lookup
            expiry = try self.expiry(request.deadline)
            return lookup
        }
        let body = owned(frame.body)
        let store = shared.store
        let limits = self.limits
        try compute(frame, body.storageCapacity, expiry) { buffer throws(WireError) in
            try body.withBytes { bytes throws(WireError) in
                try RowsResponder(store: store, limits: limits)
                    .respond(try RowsRequestView(bytes, limits: limits), lookup, frame.requestID, into: &buffer)
            }
        }
    }

    /// Everything about it is the pool's: even to look at all its bytes takes long.
    private func events(_ frame: Frame) throws(WireError) {
        let body = owned(frame.body)
        let responder = EventsResponder(store: shared.store, limits: limits)
        let limits = self.limits
        try compute(frame, body.storageCapacity, nil) { buffer throws(WireError) in
            try body.withBytes { bytes throws(WireError) in
                try responder.respond(try EventsRequestView(bytes, limits: limits), frame.requestID, into: &buffer)
            }
        }
    }

    private func historyPage(_ frame: Frame) throws(WireError) {
        let request = try HistoryPageRequest(body: frame.body, limits: limits)
        let store = shared.store
        let limits = self.limits
        try compute(frame, frame.body.readableBytes, nil) { buffer throws(WireError) in
            try HistoryPageResponder(store: store, limits: limits).respond(request, frame.requestID, into: &buffer)
        }
    }

    private func admin(_ frame: Frame) throws(WireError) {
        let request = try AdminRequest(body: frame.body, limits: limits)
        let router = shared.admin
        let limits = self.limits
        try compute(frame, frame.body.readableBytes, nil) { buffer throws(WireError) in
            let body = try router.answer(request)
            try AdminReply(body: body).writeFrame(
                requestID: frame.requestID,
                frameSizeMax: limits.frameSizeMax,
                into: &buffer
            )
        }
    }

    // MARK: The pool

    /// Bytes that keep nothing else alive: a body is a slice of what was read, which may be much more.
    private func owned(_ body: ByteBuffer) -> ByteBuffer {
        guard body.storageCapacity > 2 * body.readableBytes else { return body }
        var own = ByteBufferAllocator().buffer(capacity: body.readableBytes)
        own.writeImmutableBuffer(body)
        return own
    }

    /// Lets the pool do `work` when it is its turn; its bytes, or its error, become the reply.
    private func compute(
        _ frame: Frame,
        _ byteCount: Int,
        _ expiry: NIODeadline?,
        isShort: Bool = false,
        _ work: @escaping @Sendable (inout ByteBuffer) throws(WireError) -> Void
    ) throws(WireError) {
        try pool.append(
            PoolRequest(requestID: frame.requestID, byteCount: byteCount, expiry: expiry, isShort: isShort, work: work)
        )
        computeWaiting()
    }

    /// Gives the pool what waits, a few at a time, while the client takes its replies.
    func computeWaiting() {
        guard let context, context.channel.isWritable else { return }
        while let request = pool.next() {
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            let eventLoop = context.eventLoop
            let load = shared.load
            shared.submit(isShort: request.isShort) { isActive in
                let reply = request.answer(load, isActive: isActive)
                load.hold(reply.readableBytes)
                eventLoop.execute { handler.value.finished(request.byteCount, reply) }
            }
        }
    }

    private func finished(_ byteCount: Int, _ reply: ByteBuffer) {
        shared.load.hold(-reply.readableBytes)
        pool.finished(byteCount)
        write(reply)
        computeWaiting()
        if phase == .draining { drain() }
    }

    /// Takes no more requests; ends when all that were taken are answered.
    func drain() {
        guard phase != .ending else { return }
        phase = .draining
        if pool.count == 0 { end(.stopping()) }
    }
}

extension WireLimits {
    /// While memory is short.
    fileprivate var short: WireLimits {
        var short = self
        short.frameSizeMax = min(frameSizeMax, ReplyBuffer.byteCountMax)
        return short
    }
}
