import NIOCore
import NIOPosix
import WireProtocol

/// A server on a free port that answers each frame with what a script says.
final class FakeServer: Sendable {
    /// What to do with one frame.
    enum Step: Sendable {
        /// Bytes to send now; golden frames get the request's id.
        case reply([ByteBuffer])
        case silence
        case hangUp
    }

    private let listener: any Channel
    var port: Int { listener.localAddress?.port ?? 0 }

    /// - Parameter script: the frame, and how many frames came before it on this connection. HELLO is answered with
    ///   the golden WELCOME unless `greets` is false.
    init(greets: Bool = true, script: @escaping @Sendable (Frame, Int) throws -> Step) async throws {
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(greets: greets, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async { try? await listener.close() }

    /// A golden frame with another request id.
    static func golden(_ name: String, request: UInt32) throws -> ByteBuffer {
        var bytes = try GoldenFrame.load(name)
        bytes.setInteger(request, at: 8, endianness: .little)
        return bytes
    }

    static func frame(_ message: some WireMessage, request: UInt32) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        try message.writeFrame(requestID: request, into: &bytes)
        return bytes
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let greets: Bool
        let script: @Sendable (Frame, Int) throws -> Step
        var received = ByteBuffer()
        var decoder = FrameDecoder(frameSizeMax: 1 << 24)
        var count = 0

        init(greets: Bool, script: @escaping @Sendable (Frame, Int) throws -> Step) {
            self.greets = greets
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            do {
                while let frame = try decoder.next(from: &received) {
                    switch try step(frame) {
                    case .reply(let replies):
                        for reply in replies { context.writeAndFlush(wrapOutboundOut(reply), promise: nil) }
                    case .silence: break
                    case .hangUp: context.close(promise: nil)
                    }
                }
            } catch {
                context.close(promise: nil)
            }
        }

        private func step(_ frame: Frame) throws -> Step {
            if greets && frame.type == .hello {
                return .reply([try FakeServer.golden("welcome", request: frame.requestID)])
            }
            defer { count += 1 }
            return try script(frame, count)
        }
    }
}
