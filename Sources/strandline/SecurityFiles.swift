import ArgumentParser
import FeatureRepository
import FeatureServer
import FoundationEssentials
import Logging
import NIOPosix
import NIOSSL
import ServiceLifecycle
import UnixSignals

/// The files that say who may enter a server and how it proves who it is: read at start, again on SIGHUP, and when they change.
struct SecurityFiles: Sendable {
    var tokens: String?
    var tls: TLSFiles?

    init(_ options: SecurityOptions, _ server: ServerConfiguration, in folder: String) throws {
        func path(_ given: String?, _ configured: String?) -> String? {
            given ?? configured.map { ServerConfiguration.path($0, in: folder) }
        }
        tokens = path(options.tokenFile, server.tokenFile)
        let certificate = path(options.tlsCertificate, server.tlsCertificate)
        let key = path(options.tlsKey, server.tlsKey)
        switch (certificate, key) {
        case (let certificate?, let key?): tls = TLSFiles(certificate: certificate, key: key)
        case (nil, nil): break
        default: throw Failure(.usage, "TLS needs a certificate and its key: server.tls_certificate and server.tls_key")
        }
    }

    func load() throws -> ServerSecurity { ServerSecurity(tokens: try loadTokens(), tls: try loadTLS()) }

    private func loadTokens() throws -> TokenList? {
        guard let tokens else { return nil }
        guard let data = try? Data(contentsOf: URL(filePath: tokens)),
            let list = TokenList(text: String(decoding: data, as: UTF8.self))
        else {
            throw Failure(
                .usage,
                "\(tokens): cannot be read, or holds no token; write one a line: sha256:<64 hex digits>, or plain text"
            )
        }
        return list
    }

    private func loadTLS() throws -> NIOSSLContext? {
        guard let tls else { return nil }
        do { return try tls.context() } catch {
            throw Failure(
                .usage,
                "\(tls.certificate), \(tls.key): not a PEM certificate and the key that belongs to it (\(error))"
            )
        }
    }

    /// Puts what the files say now in force. Files that cannot be used leave everything as it was.
    func reload(into security: ServerSecurity, _ log: Logger) {
        do {
            let (tokens, tls) = (try loadTokens(), try loadTLS())
            if let tokens { security.replace(tokens: tokens) }
            if let tls { security.replace(tls: tls) }
            log.info("tokens and certificates are read anew")
        } catch { log.error("tokens and certificates stay as they were: \(error)") }
    }

    /// Changes when a file was written or replaced.
    var state: [String] {
        [tokens, tls?.certificate, tls?.key].map { path in
            guard let path, let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return "" }
            return
                "\(attributes[.modificationDate] ?? "") \(attributes[.size] ?? "") \(attributes[.systemFileNumber] ?? "")"
        }
    }
}

struct SecurityOptions: ParsableArguments {
    @Option(help: "A file of tokens that may enter, one a line (sha256:<hex>, or plain); default: server.token_file.")
    var tokenFile: String?

    @Option(help: "A PEM file with the server's certificate: speak TLS; default: server.tls_certificate.")
    var tlsCertificate: String?

    @Option(help: "A PEM file with the certificate's key; default: server.tls_key.")
    var tlsKey: String?
}

/// Reads the files again on SIGHUP, and when one of them has changed.
struct SecurityWatch: Service {
    let files: SecurityFiles
    let security: ServerSecurity
    /// SIGHUP, trapped since before the server said that it is up.
    let hangups: UnixSignalsSequence
    /// The files' state before they were first read.
    let read: [String]
    let log: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await cancelWhenGracefulShutdown { await onHangup() } }
            group.addTask { await cancelWhenGracefulShutdown { await onChange() } }
        }
    }

    private func onHangup() async {
        for await _ in hangups {
            await blocking { files.reload(into: security, log) }
        }
    }

    private func onChange() async {
        var known = read
        while (try? await Task.sleep(for: .seconds(2))) != nil {
            guard let state = await blocking({ files.state }), state != known else { continue }
            known = state
            await blocking { files.reload(into: security, log) }
        }
    }

    /// Files are read on a thread that may block.
    @discardableResult
    private func blocking<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R? {
        try? await NIOThreadPool.singleton.runIfActive(body)
    }
}
