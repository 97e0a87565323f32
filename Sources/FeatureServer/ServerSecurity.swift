import NIOConcurrencyHelpers
public import NIOSSL

/// Who may enter, and how bytes are protected on their way. One for every port of a server; both parts may be replaced while
/// it runs, and count for connections that begin from then on.
public final class ServerSecurity: Sendable {
    private struct State {
        var tokens: TokenList?
        var tls: NIOSSLContext?
    }

    private let state: NIOLockedValueBox<State>

    /// - Parameters:
    ///   - tokens: nil lets anyone in.
    ///   - tls: nil for plain TCP.
    public init(tokens: TokenList? = nil, tls: NIOSSLContext? = nil) {
        state = NIOLockedValueBox(State(tokens: tokens, tls: tls))
    }

    /// Whether this token, or none, may enter.
    public func admits(_ token: String?) -> Bool {
        guard let tokens = state.withLockedValue({ $0.tokens }) else { return true }
        return token.map { tokens.contains($0) } ?? false
    }

    public var asksForToken: Bool { state.withLockedValue { $0.tokens != nil } }
    /// What a new connection speaks; nil for plain TCP.
    public var tls: NIOSSLContext? { state.withLockedValue { $0.tls } }

    /// A server that asks for tokens never stops to do so: there is no way back to nil.
    public func replace(tokens: TokenList) { state.withLockedValue { $0.tokens = tokens } }
    public func replace(tls: NIOSSLContext) { state.withLockedValue { $0.tls = tls } }
}

/// The certificate and the key of a server, as PEM files.
public struct TLSFiles: Hashable, Sendable {
    /// The server's certificate, then those between it and the authority.
    public var certificate: String
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Reads both files; blocking. TLS 1.2 and newer.
    ///
    /// - Throws: what OpenSSL's descendants say of files that cannot be read, are not PEM, or do not belong together.
    public func context() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        )
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }
}
