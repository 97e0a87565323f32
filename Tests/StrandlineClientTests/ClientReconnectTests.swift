import FeatureModel
import NIOConcurrencyHelpers
import NIOCore
import StrandlineClient
import Testing
import WireProtocol

/// A lost connection is made again by the next call, and what was prepared is prepared again.
@Suite(.timeLimit(.minutes(1))) struct ClientReconnectTests {
    private static let entities: [[FeatureValue]] = [[.int64(42), .string("café")], [.int64(-1), .string("")]]
    private static let options = ClientOptions(backoff: .milliseconds(5) ... .milliseconds(20))

    /// Golden answers; those of `hangsUpAt`, counted by how many came before over all connections, end the connection.
    private final class Script: Sendable {
        let seen = NIOLockedValueBox<[MessageType]>([])
        let hangsUpAt: Set<Int>
        init(hangsUpAt: Set<Int>) { self.hangsUpAt = hangsUpAt }

        func step(_ frame: Frame) throws -> FakeServer.Step {
            let count = seen.withLockedValue { seen in
                seen.append(frame.type)
                return seen.count - 1
            }
            if hangsUpAt.contains(count) { return .hangUp }
            let name =
                switch frame.type {
                case .prepare: "prepared"
                case .lookup: "values"
                default: "pong"
                }
            return .reply([try FakeServer.golden(name, request: frame.requestID)])
        }
    }

    @Test func theNextCallConnectsAndPreparesAgain() async throws {
        let script = Script(hangsUpAt: [2])
        let server = try await FakeServer { frame, _ in try script.step(frame) }
        let client = try await StrandlineClient.connect(port: server.port, options: Self.options)
        let prepared = try await client.prepare(service: "fraud@2")
        let first = try await client.lookup(prepared, entities: Self.entities)
        await #expect { _ = try await client.lookup(prepared, entities: Self.entities) } throws: {
            ($0 as? ClientError)?.code == .connectionLost && ($0 as? ClientError)?.isRetriable == true
        }
        // Many at once: one connection for all of them.
        let results = try await withThrowingTaskGroup(of: LookupResult.self) { group in
            for _ in 0..<20 { group.addTask { try await client.lookup(prepared, entities: Self.entities) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == Array(repeating: first, count: 20))
        let types = script.seen.withLockedValue { $0 }
        #expect(types[..<3] == [.prepare, .lookup, .lookup])
        #expect(types.dropFirst(3).contains(.prepare))
        await client.close()
        await server.stop()
    }

    @Test func triesEndWithTheTimeOfTheCall() async throws {
        let script = Script(hangsUpAt: [0])
        let server = try await FakeServer { frame, _ in try script.step(frame) }
        let port = server.port
        var options = Self.options
        options.requestTimeout = .milliseconds(300)
        let client = try await StrandlineClient.connect(port: port, options: options)
        await server.stop()
        await #expect(throws: ClientError.self) { try await client.ping() }
        await #expect { try await client.ping() } throws: { ($0 as? ClientError)?.code == .connectionLost }
        await client.close()
        await #expect { try await client.ping() } throws: { ($0 as? ClientError)?.code == .closed }
    }

    @Test func otherFeaturesAreAnError() async throws {
        let prepares = NIOLockedValueBox(0)
        let server = try await FakeServer { frame, count in
            guard frame.type == .prepare else { return count == 1 ? .hangUp : .silence }
            let number = prepares.withLockedValue { number in
                number += 1
                return number
            }
            return .reply([
                try FakeServer.golden(number == 1 ? "prepared" : "prepared_nested", request: frame.requestID)
            ])
        }
        let client = try await StrandlineClient.connect(port: server.port, options: Self.options)
        let prepared = try await client.prepare(service: "fraud@2")
        await #expect(throws: ClientError.self) { _ = try await client.lookup(prepared, entities: Self.entities) }
        await #expect { _ = try await client.lookup(prepared, entities: Self.entities) } throws: {
            ($0 as? ClientError)?.code == .server(.definitionsChanged)
        }
        await client.close()
        await server.stop()
    }

    @Test func valuesHaveTypes() async throws {
        let script = Script(hangsUpAt: [])
        let server = try await FakeServer { frame, _ in try script.step(frame) }
        let client = try await StrandlineClient.connect(port: server.port)
        let prepared = try await client.prepare(service: "fraud@2")
        let result = try await client.lookup(prepared, entities: Self.entities)
        #expect(try result.value("v:n", as: Int64.self) == -7)
        #expect(try result.value("v:sum") == 0.1)
        #expect(try result.value("v:city") == "Zürich")
        #expect(try result.value("v:ok", as: Bool.self) == true)
        #expect(try result.value("v:sum", row: 1, as: Double.self) == nil)
        #expect(throws: ClientError(.badArgument, "'v:n' is int64, not Double")) {
            try result.value("v:n", as: Double.self)
        }
        #expect(throws: ClientError(.badArgument, "the lookup has no feature 'v:citty'; did you mean 'v:city'?")) {
            try result.value("v:citty", as: String.self)
        }
        await client.close()
        await server.stop()
    }
}
