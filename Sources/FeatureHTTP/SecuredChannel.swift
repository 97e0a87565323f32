import FeatureServer
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A connection of the HTTP side: TLS first, where the server has a certificate, then HTTP/1.1. What a connection speaks is
/// asked when it begins: a certificate may be replaced while the server runs.
struct SecuredChannel: ServerChildChannel {
    let http: HTTP1Channel
    let security: ServerSecurity

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            guard let tls = security.tls else { return }
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
        }.flatMap {
            http.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
