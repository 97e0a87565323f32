import ArgumentParser
import FeatureModel
import FeatureServer
import FoundationEssentials
import StrandlineClient

/// Where the server is, and how to enter: the options of every verb that talks to one.
struct ClientConnection: ParsableArguments {
    @Option(help: "The server's address; also STRANDLINE_ADDRESS.")
    var address = ProcessInfo.processInfo.environment["STRANDLINE_ADDRESS"] ?? "127.0.0.1:6567"

    @Option(help: "The token to enter with; also STRANDLINE_TOKEN.")
    var token: String?

    @Flag(help: "Speak TLS.")
    var tls = false

    @Option(
        name: .customLong("tls-ca"),
        help: "A PEM file of the authorities to trust, with TLS; default: the system's."
    )
    var tlsAuthority: String?

    /// Connects, runs the body, closes. Client errors leave as `Failure`.
    func withClient<R>(_ body: (StrandlineClient) async throws -> R) async throws -> R {
        let (host, port) = try Self.split(address)
        var options = ClientOptions()
        if tls || tlsAuthority != nil { options.tls = ClientTLS(authorityFile: tlsAuthority) }
        do {
            let client = try await StrandlineClient.connect(
                host: host,
                port: port,
                token: token ?? ProcessInfo.processInfo.environment["STRANDLINE_TOKEN"],
                options: options
            )
            do {
                let result = try await body(client)
                await client.close()
                return result
            } catch {
                await client.close()
                throw error
            }
        } catch let error as ClientError {
            throw Failure(error, address: address)
        }
    }

    /// An admin request and its typed reply.
    func admin<Reply: Decodable>(_ verb: String, _ request: some Encodable, as reply: Reply.Type) async throws -> Reply
    {
        try await withClient { client in
            try JSONMessage.decode(reply, from: try await client.admin(verb, try JSONMessage.encode(request)))
        }
    }

    static func split(_ address: String) throws -> (host: String, port: Int) {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw Failure(.usage, "'\(address)' is not an address; write host:port, for example 127.0.0.1:6567") }
        let host = address[..<colon]
        return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host), port)
    }
}

/// An empty JSON object.
struct NoBody: Codable {}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// Instants on the command line.
///
/// - Parameter word: what the option takes beside times.
func parseInstant(_ text: String?, _ option: String, or word: String? = nil) throws -> Instant? {
    guard let text else { return nil }
    guard let instant = Instant(iso8601: text) else {
        throw Failure(
            .usage,
            "\(option): '\(text)' is not an ISO 8601 time\(word.map { ", nor \($0)" } ?? ""); write for example 1998-06-30 or 1998-06-30T12:00:00Z (UTC)"
        )
    }
    return instant
}
