import FeatureHTTP
import Glibc
import NIOCore
import NIOPosix
import WireProtocol

struct HTTPReply: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: String
}

/// A plain socket: bytes as written out, so that no client's help hides what the server does. Blocking calls run on threads
/// of their own; the server needs the cooperative ones.
struct HTTPExchange: Sendable {
    private let port: Int

    init(_ server: HTTPServer) { port = server.address.port ?? 0 }

    /// Sends bytes on a connection of their own and reads one reply.
    func send(_ bytes: String) async throws -> HTTPReply {
        try await send([UInt8](bytes.utf8), replies: 1)[0]
    }

    func send(_ bytes: [UInt8], replies: Int) async throws -> [HTTPReply] {
        let port = port
        return try await NIOThreadPool.singleton.runIfActive {
            let connection = try Connection(port: port)
            connection.send(bytes)
            return try (0..<replies).map { _ in try connection.readReply() }
        }
    }

    private final class Connection {
        private let descriptor: Int32
        private var received: [UInt8] = []

        init(port: Int) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var timeout = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else { throw WireError(.internalError, "connect failed with \(errno)") }
        }

        deinit { close(descriptor) }

        func send(_ bytes: [UInt8]) {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }

        func readReply() throws -> HTTPReply {
            let end = Array("\r\n\r\n".utf8)
            var headEnd = Self.place(of: end, in: received)
            while headEnd == nil {
                try receive()
                headEnd = Self.place(of: end, in: received)
            }
            let head = String(decoding: received[..<(headEnd ?? 0)], as: UTF8.self)
            received.removeFirst((headEnd ?? 0) + 4)
            let lines = head.split(separator: "\r\n")
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
            }
            let length = Int(headers["content-length"] ?? "") ?? 0
            while received.count < length { try receive() }
            defer { received.removeFirst(length) }
            return HTTPReply(
                status: Int(lines[0].split(separator: " ")[1]) ?? 0,
                headers: headers,
                body: String(decoding: received[..<length], as: UTF8.self)
            )
        }

        private func receive() throws {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw WireError(.internalError, "the connection ended (\(count), \(errno))") }
            received += chunk[..<count]
        }

        private static func place(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
            guard bytes.count >= wanted.count else { return nil }
            return (0...(bytes.count - wanted.count)).first { bytes[$0..<($0 + wanted.count)].elementsEqual(wanted) }
        }
    }
}
