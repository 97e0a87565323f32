import Glibc
import NIOCore
import WireProtocol

/// A plain socket, for bytes that no client would send. Blocking, with a timeout of a minute, which is for a server that
/// hangs. One thread may send while another receives.
final class RawConnection: @unchecked Sendable {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let status = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr { address, size in
            Glibc.connect(descriptor, address, socklen_t(size))
        }
        guard status == 0 else { throw WireError(.internalError, "connect failed with \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: some Sequence<UInt8>) {
        let all = Array(bytes)
        var sent = 0
        while sent < all.count {
            let count = all[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func send(_ bytes: ByteBuffer) { send(bytes.readableBytesView) }

    func send(_ message: some WireMessage, id: UInt32 = 1) throws {
        var buffer = ByteBuffer()
        try message.writeFrame(requestID: id, frameSizeMax: 1 << 24, into: &buffer)
        send(buffer.readableBytesView)
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Everything until the peer closes, or until the timeout (nil).
    func readToEnd() -> [UInt8]? {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { return all }
            // A reset is an end too: the server closed while our bytes were still on their way.
            if count < 0 { return errno == ECONNRESET ? all : nil }
            all += chunk[..<count]
        }
    }

    /// The next whole frame.
    func readFrame() throws -> Frame {
        var decoder = FrameDecoder(frameSizeMax: 1 << 24)
        while true {
            if let frame = try decoder.next(from: &received) { return frame }
            try receive()
        }
    }

    /// The next bytes, whatever they are.
    func readBytes(_ count: Int) throws -> ByteBuffer {
        while received.readableBytes < count { try receive() }
        guard let bytes = received.readSlice(length: count) else { throw WireError(.internalError, "no bytes") }
        return bytes
    }

    private var received = ByteBuffer()
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    private func receive() throws {
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw WireError(.internalError, "the connection ended (\(count), \(errno))") }
        received.discardReadBytes()
        received.writeBytes(chunk[..<count])
    }

    /// A connection whose greeting is done.
    static func greeted(_ server: ServerUnderTest) throws -> RawConnection {
        let connection = try RawConnection(port: server.port)
        try connection.send(Hello(clientName: "raw"), id: 0)
        _ = try connection.readFrame()
        return connection
    }

    /// The codes of the ERROR frames among bytes.
    static func errorCodes(in bytes: [UInt8]) throws -> [WireErrorCode] {
        var buffer = ByteBuffer(bytes: bytes)
        var decoder = FrameDecoder(frameSizeMax: 1 << 24)
        var codes: [WireErrorCode] = []
        while let frame = try decoder.next(from: &buffer) {
            if frame.type == .error { codes.append(try ErrorReply(body: frame.body).error.code) }
        }
        return codes
    }
}
