// One input is one conversation with a server of this process: its connection handler over a channel without a socket, a small
// store, and a pool that computes at once. Whatever the bytes, what comes back must be whole frames, and nothing may be left of
// the connection when it ends.
//
//   byte 0    bit 0: the server asks for a token      bit 1: a valid HELLO comes first
//             bit 2: HELLO asks for checksums         bit 3: the rest is framed (below), else it is sent as it is
//             bit 4: some entities are not in memory
//   byte 1    the greatest piece that is sent at once, in bytes; 0 for all
//   rest      raw, or framed: type u8, length u16, body of that many bytes; sizes and ids are filled in, checksums too

import FeatureHistory
import FeatureModel
import FeatureRepository
import FeatureServer
import FeatureTesting
import Logging
import NIOCore
import NIOEmbedded
import Scheduling
package import WireProtocol

package final class ServerFuzzer {
    private let folder = TemporaryFolder()
    private let store: FeatureStore
    private let pool = ReaderPool(threads: 0)
    /// The types of all replies so far.
    package private(set) var seen: Set<MessageType> = []

    /// - Throws: the system's error when no store can be made in the temporary folder.
    package init() throws {
        let clock = Instant(microseconds: 1_000_000_000_000)
        store = try FeatureStore(directory: folder.path, options: StoreOptions(), clock: { clock })
        _ = try DefinitionsService(store: store).apply(Self.definitions)
        try store.commitPurchases(customers: 0..<20)
    }

    deinit { store.close() }

    /// What was wrong with the answer, for the fuzzer to stop at; nil mostly.
    package func run(_ input: UnsafeRawBufferPointer) -> String? {
        guard input.count > 2 else { return nil }
        let mode = input[0]
        if mode & 0x10 != 0 {
            try? store.fold()
            store.evictAll()
        }
        let load = ServerLoad()
        var log = Logger(label: "fuzz")
        log.logLevel = .critical
        var shared = ServerContext(
            store: store,
            pool: pool,
            security: ServerSecurity(tokens: mode & 1 == 0 ? nil : TokenList(text: "secret")),
            admin: .standard(store: store, version: "fuzz", ingest: { nil }),
            limits: WireLimits(frameSizeMax: 1 << 16, entitiesMax: 64, featuresMax: 64, rowsMax: 64),
            load: load,
            log: log,
            serverName: "fuzz"
        )
        shared.computesAtOnce = true
        let channel = EmbeddedChannel()
        do {
            try LookupServer.serve(channel, shared)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try send(mode, piece: Int(input[1]), UnsafeRawBufferPointer(rebasing: input[2...]), to: channel)
        } catch {
            // A channel that the server has closed takes no more; anything else shows below.
        }
        channel.embeddedEventLoop.run()
        let problem = check(channel, mode)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        guard problem == nil else { return problem }
        guard load.byteCount == 0, load.waitingCount == 0, load.connectionCount == 0 else {
            return "the connection left \(load.byteCount) bytes, \(load.waitingCount) requests behind"
        }
        return nil
    }

    // MARK: What is sent

    private func send(_ mode: UInt8, piece: Int, _ rest: UnsafeRawBufferPointer, to channel: EmbeddedChannel) throws {
        if mode & 2 != 0 {
            var greeting = ByteBuffer()
            let options: ConnectionOptions? = mode & 4 == 0 ? nil : .checksums
            try Hello(token: mode & 1 == 0 ? nil : "secret", clientName: "fuzz", options: options)
                .writeFrame(requestID: 1, into: &greeting)
            try channel.writeInbound(greeting)
        }
        var bytes = mode & 8 == 0 ? ByteBuffer(bytes: rest) : Self.framed(rest)
        if mode & 14 == 14 { bytes = FrameChecksum.seal(bytes) }
        while bytes.readableBytes > 0 {
            let count = piece == 0 ? bytes.readableBytes : min(piece, bytes.readableBytes)
            guard let part = bytes.readSlice(length: count) else { return }
            try channel.writeInbound(part)
            channel.embeddedEventLoop.run()
        }
    }

    private static func framed(_ input: UnsafeRawBufferPointer) -> ByteBuffer {
        var rest = ByteBuffer(bytes: input)
        var frames = ByteBuffer()
        var id: UInt32 = 10
        while let type = rest.readInteger(as: UInt8.self),
            let length = rest.readInteger(endianness: .little, as: UInt16.self)
        {
            var body = rest.readSlice(length: min(Int(length), rest.readableBytes)) ?? ByteBuffer()
            frames.writeInteger(UInt32(8 + body.readableBytes), endianness: .little)
            frames.writeInteger(UInt32(type), endianness: .little)
            frames.writeInteger(id, endianness: .little)
            frames.writeBuffer(&body)
            id += 1
        }
        return frames
    }

    // MARK: What comes back

    private func check(_ channel: EmbeddedChannel, _ mode: UInt8) -> String? {
        var bytes = ByteBuffer()
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(part) }
        var decoder = FrameDecoder(frameSizeMax: 1 << 16)
        var isWelcome = false
        do throws(WireError) {
            while let frame = try decoder.next(from: &bytes) {
                seen.insert(frame.type)
                if frame.type.isFromClient { return "the server sent \(frame.type)" }
                if frame.type == .error { _ = try ErrorReply(body: frame.body) }
                guard frame.type == .welcome else { continue }
                if isWelcome { return "a second WELCOME" }
                isWelcome = true
                decoder.frameSizeMax = try Welcome(body: frame.body).limits.frameSizeMax
                decoder.checksums = try Welcome(body: frame.body).options?.contains(.checksums) == true
            }
        } catch {
            return "what came back is no frame: \(error)"
        }
        return bytes.readableBytes == 0 ? nil : "a torn reply of \(bytes.readableBytes) bytes"
    }
}
