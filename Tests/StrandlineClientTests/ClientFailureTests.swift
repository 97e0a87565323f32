import NIOCore
import StrandlineClient
import Testing
import WireProtocol

/// Time limits, lost connections and servers that do not speak the protocol.
@Suite(.timeLimit(.minutes(1))) struct ClientFailureTests {
    private func code(_ body: () async throws(ClientError) -> Void) async -> ClientError.Code? {
        do throws(ClientError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    private func pingCodes(
        count: Int = 1,
        options: ClientOptions = ClientOptions(),
        _ script: @escaping @Sendable (Frame, Int) throws -> FakeServer.Step
    ) async throws -> [ClientError.Code?] {
        let server = try await FakeServer(script: script)
        let client = try await StrandlineClient.connect(port: server.port, options: options)
        let codes = await withTaskGroup(of: ClientError.Code?.self) { group in
            for _ in 0..<count {
                group.addTask { await code { () async throws(ClientError) in try await client.ping() } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        await client.close()
        await server.stop()
        return codes
    }

    @Test func lostConnectionFailsEveryWaitingCall() async throws {
        let codes = try await pingCodes(count: 20) { _, count in count == 19 ? .hangUp : .silence }
        #expect(codes == Array(repeating: .connectionLost, count: 20))
    }

    @Test func noReplyInTime() async throws {
        let options = ClientOptions(requestTimeout: .milliseconds(50))
        #expect(try await pingCodes(options: options) { _, _ in .silence } == [.timedOut])
    }

    /// The reply to a request that timed out is dropped, and the connection goes on.
    @Test func lateReplyIsDropped() async throws {
        let held = Held()
        let server = try await FakeServer { frame, count in
            let all = held.append(try FakeServer.golden("pong", request: frame.requestID))
            return count == 0 ? .silence : .reply(all)
        }
        let options = ClientOptions(requestTimeout: .milliseconds(200))
        let client = try await StrandlineClient.connect(port: server.port, options: options)
        #expect(await code { () async throws(ClientError) in try await client.ping() } == .timedOut)
        #expect(await code { () async throws(ClientError) in try await client.ping() } == nil)
        await client.close()
        #expect(await code { () async throws(ClientError) in try await client.ping() } != nil)
        await server.stop()
    }

    @Test func repliesThatAreNone() async throws {
        let unknown = try await pingCodes { _, _ in .reply([try FakeServer.golden("pong", request: 4000)]) }
        #expect(unknown == [.protocolViolation])
        let wrongType = try await pingCodes { frame, _ in
            .reply([try FakeServer.golden("admin_reply", request: frame.requestID)])
        }
        #expect(wrongType == [.protocolViolation])
        let noise = try await pingCodes { _, _ in .reply([ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")]) }
        #expect(noise == [.protocolViolation])
    }

    @Test func errorWithoutARequestEndsTheConnection() async throws {
        let codes = try await pingCodes(count: 3) { _, count in
            count < 2
                ? .silence : .reply([try FakeServer.frame(ErrorReply(WireError(.notReady, "stopping")), request: 0)])
        }
        #expect(codes == Array(repeating: .server(.notReady), count: 3))
    }

    @Test func refusedGreeting() async throws {
        let server = try await FakeServer(greets: false) { frame, _ in
            .reply([try FakeServer.frame(ErrorReply(WireError(.unauthenticated, "no")), request: frame.requestID)])
        }
        let found = await code { () async throws(ClientError) in
            _ = try await StrandlineClient.connect(port: server.port, token: "wrong")
        }
        #expect(found == .server(.unauthenticated))
        await server.stop()
    }

    @Test func silentServer() async throws {
        let server = try await FakeServer(greets: false) { _, _ in .silence }
        let options = ClientOptions(connectTimeout: .milliseconds(50))
        let found = await code { () async throws(ClientError) in
            _ = try await StrandlineClient.connect(port: server.port, options: options)
        }
        #expect(found == .timedOut)
        let port = server.port
        await server.stop()
        await #expect(throws: ClientError(.connectionLost, "Connection refused", isRetriable: true)) {
            _ = try await StrandlineClient.connect(port: port)
        }
        await #expect(throws: ClientError(.connectionLost, "no such host", isRetriable: true)) {
            _ = try await StrandlineClient.connect(host: "nobody.invalid", port: port)
        }
    }
}
