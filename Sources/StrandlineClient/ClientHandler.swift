internal import NIOConcurrencyHelpers
internal import NIOCore
internal import WireProtocol

/// One request on its way into the channel: a whole frame whose request id is still to be filled in.
struct ClientRequest: Sendable {
    var frame: ByteBuffer
    var replyType: MessageType
    var timeout: TimeAmount
    var reply: EventLoopPromise<ByteBuffer>
}

/// Gives requests their ids and replies to their requests. Lives on its channel's event loop.
final class ClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ClientRequest
    typealias OutboundOut = ByteBuffer

    private struct Pending {
        var type: MessageType
        var reply: EventLoopPromise<ByteBuffer>
        var timeout: Scheduled<Void>
    }

    private var received = ByteBuffer()
    private var decoder = FrameDecoder()
    private var pending: [UInt32: Pending] = [:]
    /// Timed out here, not answered yet: their replies are dropped and their ids not used again.
    private var abandoned: Set<UInt32> = []
    private var lastID: UInt32 = 0
    /// Set once: the connection takes no more requests.
    private var failure: ClientError?
    /// The same, for who sends the first request: the server may refuse a connection before it is sent.
    private let refusal: NIOLockedValueBox<ClientError?>

    init(_ refusal: NIOLockedValueBox<ClientError?>) { self.refusal = refusal }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = unwrapOutboundIn(data)
        if let failure {
            request.reply.fail(failure)
            promise?.fail(failure)
            return
        }
        let id = freeID()
        let timeout = context.eventLoop.assumeIsolated().scheduleTask(in: request.timeout) { self.timedOut(id) }
        pending[id] = Pending(type: request.replyType, reply: request.reply, timeout: timeout)
        // From here on the end of the connection fails the reply, and knows why better than the write does.
        write(request.frame, id, context)
        promise?.succeed()
    }

    /// Writes a frame with its id. Whoever sent it holds its bytes still, so that a change copies them: of a long one the header
    /// alone.
    private func write(_ frame: ByteBuffer, _ id: UInt32, _ context: ChannelHandlerContext) {
        var head = frame
        var body: ByteBuffer?
        if !decoder.checksums, frame.readableBytes > Self.shortFrameMax, let header = head.readSlice(length: 12) {
            body = head
            head = context.channel.allocator.buffer(capacity: header.readableBytes)
            head.writeImmutableBuffer(header)
        }
        head.setInteger(id, at: head.readerIndex + 8, endianness: .little)
        context.write(wrapOutboundOut(decoder.checksums ? FrameChecksum.seal(head) : head), promise: nil)
        if let body { context.write(wrapOutboundOut(body), promise: nil) }
    }

    /// One that is copied sooner than it is sent in two pieces. Bytes.
    private static let shortFrameMax = 16 << 10

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.discardReadBytes()
            if let missing = decoder.missingByteCount(in: received) {
                received.reserveCapacity(minimumWritableBytes: missing)
            }
            received.writeBuffer(&bytes)
        }
        do throws(WireError) {
            while failure == nil, let frame = try decoder.next(from: &received) { try receive(frame) }
        } catch {
            fail(.violation(error))
        }
        if failure != nil { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.lost("the connection ended"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.lost(networkErrorText(error)))
        context.close(promise: nil)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        fail(ClientError(.closed, "the client was closed"))
        context.close(mode: mode, promise: promise)
    }

    private func receive(_ frame: Frame) throws(WireError) {
        guard let request = pending.removeValue(forKey: frame.requestID) else {
            if frame.type == .error, frame.requestID == 0 { return fail(ClientError(try ErrorReply(body: frame.body))) }
            guard abandoned.remove(frame.requestID) != nil else {
                throw WireError(.malformedFrame, "a reply to request \(frame.requestID), which was not sent")
            }
            return
        }
        request.timeout.cancel()
        switch frame.type {
        case .error:
            do throws(WireError) {
                let error = ClientError(try ErrorReply(body: frame.body))
                request.reply.fail(error)
                if error.code.wireCode?.closesConnection == true { fail(.lost("the server closed after \(error)")) }
            } catch {
                request.reply.fail(ClientError.violation(error))
                throw error
            }
        case request.type:
            if frame.type == .welcome, let welcome = try? Welcome(body: frame.body) {
                decoder.frameSizeMax = welcome.limits.frameSizeMax
                decoder.checksums = welcome.options?.contains(.checksums) == true
            }
            request.reply.succeed(frame.body)
        default:
            let error = WireError(.malformedFrame, "\(frame.type) as the reply to a request for \(request.type)")
            request.reply.fail(ClientError.violation(error))
            throw error
        }
    }

    private func timedOut(_ id: UInt32) {
        guard let request = pending.removeValue(forKey: id) else { return }
        abandoned.insert(id)
        request.reply.fail(ClientError(.timedOut, "no reply in time", isRetriable: true))
    }

    private func fail(_ error: ClientError) {
        guard failure == nil else { return }
        failure = error
        refusal.withLockedValue { $0 = error }
        let waiting = pending.values
        pending = [:]
        for request in waiting {
            request.timeout.cancel()
            request.reply.fail(error)
        }
    }

    /// The next id that is not in use; never 0.
    private func freeID() -> UInt32 {
        repeat { lastID &+= 1 } while lastID == 0 || pending[lastID] != nil || abandoned.contains(lastID)
        return lastID
    }
}
