// Plain TCP sockets: blocking while a connection is made ready, non-blocking under load.

import Glibc

struct Socket {
    let descriptor: Int32

    init(to address: String) throws {
        guard let colon = address.lastIndex(of: ":") else { throw BenchError("'\(address)' is not host:port") }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let host = String(address[..<colon])
        guard getaddrinfo(host, String(address[address.index(after: colon)...]), &hints, &found) == 0, let found else {
            throw BenchError("'\(address)' cannot be resolved")
        }
        defer { freeaddrinfo(found) }
        descriptor = socket(found.pointee.ai_family, found.pointee.ai_socktype, found.pointee.ai_protocol)
        guard descriptor >= 0, connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            throw BenchError("no connection to \(address): \(String(cString: strerror(errno)))")
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    func makeNonBlocking() { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }

    func shut() { close(descriptor) }

    /// Sends everything; blocking.
    func send(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.unsafelyUnwrapped + start, bytes.count - start)
            }
            guard count > 0 else { throw BenchError("the connection ended: \(String(cString: strerror(errno)))") }
            start += count
        }
    }

    /// Receives exactly `count` bytes; blocking.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var start = 0
        while start < count {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.unsafelyUnwrapped + start, count - start)
            }
            guard got > 0 else { throw BenchError("the connection ended early") }
            start += got
        }
        return bytes
    }
}
