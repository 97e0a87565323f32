import FeatureHistory
import FeatureModel
import FeatureTesting
import Glibc
import NIOCore
import NIOSSL
import StrandlineClient
import Testing
import WireProtocol

@testable import FeatureServer

/// Checksums and TLS, between the server and the client of this package.
@Suite(.timeLimit(.minutes(2)))
struct TransportTests {
    private func lookups(_ server: ServerUnderTest, _ client: StrandlineClient) async throws {
        try server.commit(customers: 0..<1000, amount: 2, at: server.clock.now, firstOffset: 0)
        let prepared = try await client.prepare(service: "small")
        let asOf = server.clock.now.advanced(by: 1)
        let entities = (0..<Int64(1000)).map { [FeatureValue.int64($0)] }
        let warm = try await client.lookup(prepared, entities: entities, asOf: asOf)
        #expect(warm.rows.allSatisfy { $0[1].value == .float64(2) })
        try server.store.fold()
        server.store.evictAll()
        #expect(try await client.lookup(prepared, entities: entities, asOf: asOf) == warm)
        let rows = try await client.rows(prepared, keys: entities, asOf: entities.map { _ in asOf })
        #expect(rows.columns[1][999] == .float64(2))
        #expect(try await client.admin("describe").contains("purchases"))
    }

    @Test func checksums() async throws {
        try await withServer { server in
            let client = try await StrandlineClient.connect(
                port: server.port,
                options: ClientOptions(checksums: true)
            )
            try await lookups(server, client)
            await client.close()
        }
    }

    @Test func changedBytesCloseTheConnection() async throws {
        try await withServer { server in
            for isChanged in [true, false] {
                let connection = try RawConnection(port: server.port)
                try connection.send(Hello(clientName: "raw", options: .checksums), id: 1)
                #expect(try Welcome(body: try connection.readFrame().body).options == .checksums)
                var ping = ByteBuffer()
                try Ping().writeFrame(requestID: 7, into: &ping)
                // Either a byte changed on its way, or the client forgot what was agreed.
                if isChanged {
                    ping = FrameChecksum.seal(ping)
                    ping.setInteger(8 as UInt8, at: 8)
                } else {
                    ping = ByteBuffer()
                    try AdminRequest(verb: "status").writeFrame(requestID: 7, into: &ping)
                }
                connection.send(ping)
                var reply = ByteBuffer(bytes: try #require(connection.readToEnd()))
                var decoder = FrameDecoder()
                decoder.checksums = true
                let frame = try #require(try decoder.next(from: &reply))
                #expect(try ErrorReply(body: frame.body).error.code == .checksumMismatch)
            }
        }
    }

    // MARK: TLS

    /// A certificate for localhost and 127.0.0.1, its own authority.
    private static func certificate(in folder: TemporaryFolder, _ name: String = "one") throws -> TLSFiles {
        let files = TLSFiles(
            certificate: "\(folder.path)/\(name).pem",
            key: "\(folder.path)/\(name).key"
        )
        let status = system(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
            -keyout \(files.key) -out \(files.certificate) 2>/dev/null
            """
        )
        try #require(status == 0, "openssl made no certificate")
        return files
    }

    @Test func tls() async throws {
        let folder = TemporaryFolder()
        let files = try Self.certificate(in: folder)
        try await withServer(tokens: "secret", tls: files) { server in
            let trusting = ClientOptions(tls: ClientTLS(authorityFile: files.certificate), checksums: true)
            for host in ["127.0.0.1", "localhost"] {
                let client = try await StrandlineClient.connect(
                    host: host,
                    port: server.port,
                    token: "secret",
                    options: trusting
                )
                if host == "localhost" { try await lookups(server, client) }
                await client.close()
            }
            await #expect { _ = try await StrandlineClient.connect(port: server.port, options: trusting) } throws: {
                ($0 as? ClientError)?.code == .server(.unauthenticated)
            }
            // An authority that is not trusted, and no TLS at all.
            await #expect(throws: ClientError.self) {
                _ = try await StrandlineClient.connect(
                    port: server.port,
                    token: "secret",
                    options: ClientOptions(tls: ClientTLS())
                )
            }
            let plain = try RawConnection(port: server.port)
            try plain.send(Hello(token: "secret", clientName: "raw"), id: 1)
            let bytes = plain.readToEnd() ?? []
            #expect((try? RawConnection.errorCodes(in: bytes))?.isEmpty ?? true)
            #expect(server.load.byteCount == 0)
        }
    }

    @Test func aNewCertificateCountsForNewConnections() async throws {
        let folder = TemporaryFolder()
        let (old, new) = (try Self.certificate(in: folder), try Self.certificate(in: folder, "two"))
        try await withServer(tls: old) { server in
            func connect(_ files: TLSFiles) async throws -> StrandlineClient {
                try await StrandlineClient.connect(
                    port: server.port,
                    options: ClientOptions(tls: ClientTLS(authorityFile: files.certificate))
                )
            }
            let before = try await connect(old)
            server.security.replace(tls: try new.context())
            try await before.ping()
            await #expect(throws: ClientError.self) { _ = try await connect(old) }
            let after = try await connect(new)
            try await after.ping()
            await before.close()
            await after.close()
        }
    }

    @Test func newTokensCountForNewConnections() async throws {
        try await withServer(tokens: "old") { server in
            let before = try await server.connect(token: "old")
            server.security.replace(tokens: try #require(TokenList(text: "new")))
            try await before.ping()
            await #expect(throws: ClientError.self) { _ = try await server.connect(token: "old") }
            let after = try await server.connect(token: "new")
            try await after.ping()
            await before.close()
            await after.close()
        }
    }
}
