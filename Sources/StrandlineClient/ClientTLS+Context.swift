internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// A client's TLS, ready for connections.
struct ClientTLSContext: Sendable {
    fileprivate let context: NIOSSLContext

    /// Begins TLS. A certificate must be for the name, or for the address where there is no name.
    func handler(for host: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }
}

extension ClientTLS {
    /// Reads the certificates, on a thread that may block.
    func context() async throws -> ClientTLSContext {
        try await NIOThreadPool.singleton.runIfActive {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            if let authorityFile {
                do {
                    configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorityFile))
                } catch {
                    throw ClientError(.badArgument, "\(authorityFile): cannot be read, or holds no PEM certificate")
                }
            }
            return ClientTLSContext(context: try NIOSSLContext(configuration: configuration))
        }
    }
}
