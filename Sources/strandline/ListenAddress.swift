import Glibc
import NIOCore
import NIOPosix

/// Where a server listens, as it was asked for.
struct ListenAddress {
    let host: String
    let port: Int

    init(_ text: String) throws { (host, port) = try ClientConnection.split(text) }

    /// Whether only this machine can connect. A name may mean anything by the time it is resolved, whatever it begins
    /// with; `localhost` is the one that is reserved (RFC 6761).
    var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }

    /// Binds and lets go: an address that is taken is found before there is a store, and bound for good after it opened. Nobody
    /// can connect meanwhile, since nothing listens. Blocking, where the host is a name.
    ///
    /// - Parameter advice: what to do when it is taken, for the message.
    func checkFree(otherwise advice: String? = nil) throws {
        do {
            let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
            let descriptor = socket(Int32(address.protocol.rawValue), Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
            defer { close(descriptor) }
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            let status = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
            guard status == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
        } catch { throw failure(error, advice) }
    }

    func failure(_ error: any Error, _ advice: String? = nil) -> Failure {
        let reason =
            switch error {
            case let error as IOError: String(cString: strerror(error.errnoCode))
            case is SocketAddressError.UnknownHost: "no such host"
            default: "\(error)"
            }
        return Failure(
            .failed,
            "cannot listen on \(host.contains(":") ? "[\(host)]" : host):\(port): \(reason)"
                + (advice.map { "; \($0)" } ?? "")
        )
    }
}
