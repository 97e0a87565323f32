import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// What the network said, for a person: SwiftNIO's own texts name its types and file descriptors.
func networkErrorText(_ error: any Error) -> String {
    switch error {
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case let error as NIOConnectionError: return connectionErrorText(error)
    case is SocketAddressError.UnknownHost: return "no such host"
    case let error as NIOSSLError: return tlsErrorText(error)
    case is NIOSSLExtraError: return "the certificate is not for this host"
    case let error as ChannelError:
        switch error {
        case .connectTimeout: return "no answer"
        case .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed, .eof: return "the connection is closed"
        default: return "\(error)"
        }
    default: return "\(error)"
    }
}

private func tlsErrorText(_ error: NIOSSLError) -> String {
    switch error {
    case .handshakeFailed(let reason):
        let text = "\(reason)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "TLS: the server's certificate is not trusted" }
        if text.contains("WRONG_VERSION_NUMBER") { return "TLS: the server does not speak it" }
        return "TLS: the handshake failed (\(text))"
    case .uncleanShutdown: return "the connection ended"
    default: return "TLS: \(error)"
    }
}

/// A name may have several addresses; they are told apart when they failed differently.
private func connectionErrorText(_ error: NIOConnectionError) -> String {
    let failures = error.connectionErrors
    guard let first = failures.first else { return "no such host" }
    let texts = failures.map { networkErrorText($0.error) }
    guard texts.contains(where: { $0 != texts[0] }) else { return networkErrorText(first.error) }
    return zip(failures, texts).map { "\($0.target.ipAddress ?? "") \($1)" }.joined(separator: ", ")
}
