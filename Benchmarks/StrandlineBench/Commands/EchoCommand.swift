// The physical limit of the machine: an event loop with the server's own channel options that answers requests of a fixed
// size with replies of a fixed size, and does nothing else.

import ArgumentParser
import NIOCore
import NIOPosix
import Scheduling

struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Answer requests of a fixed size with replies of a fixed size, and do nothing else.",
        discussion: """
            Bytes 8 to 11 of a request come back in the same place of its reply. Ends when its standard input does.

              strandline-bench echo --request-bytes 48 --reply-bytes 125
            """
    )

    @Option(help: "Bytes of a request; at least 12.")
    var requestBytes: Int

    @Option(help: "Bytes of a reply; at least 12.")
    var replyBytes: Int

    func validate() throws {
        guard requestBytes >= 12, replyBytes >= 12 else { throw ValidationError("both sizes must be 12 or more") }
    }

    func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try group.next().submit { _ = ThreadManners.shortSlices.take() }.wait()
        let (request, reply) = (requestBytes, replyBytes)
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 << 10))
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(request, reply))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        printLine(["listening": "127.0.0.1:\(channel.localAddress?.port ?? 0)"])
        while readLine() != nil {}
        try channel.close().wait()
        try group.syncShutdownGracefully()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let requestBytes: Int
    private let reply: [UInt8]
    private var pending: ByteBuffer?

    init(_ requestBytes: Int, _ replyBytes: Int) {
        self.requestBytes = requestBytes
        reply = [UInt8](repeating: 0, count: replyBytes)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var all = pending {
            all.writeBuffer(&bytes)
            bytes = all
            pending = nil
        }
        let count = bytes.readableBytes / requestBytes
        if count > 0 {
            var replies = context.channel.allocator.buffer(capacity: count * reply.count)
            for _ in 0..<count {
                let number = bytes.getInteger(at: bytes.readerIndex + 8, as: UInt32.self) ?? 0
                let start = replies.writerIndex
                replies.writeBytes(reply)
                replies.setInteger(number, at: start + 8)
                bytes.moveReaderIndex(forwardBy: requestBytes)
            }
            context.writeAndFlush(wrapOutboundOut(replies), promise: nil)
        }
        if bytes.readableBytes > 0 { pending = bytes }
    }
}
