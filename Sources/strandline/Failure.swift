import Glibc
import StrandlineClient
import WireProtocol

/// An end of the command that is not success: what to say, and with which status to leave.
struct Failure: Error {
    /// Exit statuses; stable.
    enum Status: Int32 {
        case failed = 1
        case usage = 2
        /// `parity` or `verify` found what differs.
        case mismatches = 3
        case notFound = 4
        case unreachable = 5
        /// `materialize --fail-on-rejected`: some rows were not accepted.
        case incomplete = 6
    }

    let status: Status
    let message: String

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    init(_ error: ClientError, address: String) {
        switch error.code {
        case .connectionLost, .timedOut:
            self.init(
                .unreachable,
                "no server at \(address): \(error.message)\nstart one with: strandline serve --repo feature_repo"
            )
        case .server(.unknownService), .server(.unknownFeature): self.init(.notFound, error.message)
        case .badArgument, .server(.badEntityKey), .server(.badRequest): self.init(.usage, error.message)
        default: self.init(.failed, error.description)
        }
    }

    func report() -> Never {
        // What was printed before stays before, also where both streams are one file or pipe.
        fflush(nil)
        Self.print("strandline: \(message)")
        Self.leave(with: status.rawValue)
    }

    /// To standard error: standard output is for results.
    static func print(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// For a person who waits; a file gets what happened, and not what is awaited.
    static func printOnTerminal(_ text: String) { if isatty(STDERR_FILENO) == 1 { print(text) } }

    static func leave(with status: Int32) -> Never {
        fflush(nil)
        exit(status)
    }
}
