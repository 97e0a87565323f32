public import WireProtocol

/// Why a call of the client failed.
public struct ClientError: Error, Hashable, Sendable {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: Hashable {
            case server(WireErrorCode), connectionLost, timedOut, closed, protocolViolation, badArgument
        }
        private var kind: Kind

        /// The server answered with this code, or would have: limits that the client knows are checked before sending.
        public static func server(_ code: WireErrorCode) -> Code { Code(kind: .server(code)) }
        /// Connecting failed, or the connection ended before the reply.
        public static let connectionLost = Code(kind: .connectionLost)
        /// No reply in time. The request may still be carried out.
        public static let timedOut = Code(kind: .timedOut)
        /// The client was closed by its owner.
        public static let closed = Code(kind: .closed)
        /// The server sent bytes that are not a reply; the connection is closed.
        public static let protocolViolation = Code(kind: .protocolViolation)
        /// The arguments do not fit each other or the prepared lookup.
        public static let badArgument = Code(kind: .badArgument)

        /// The code of the ERROR message; nil for failures on this side.
        public var wireCode: WireErrorCode? {
            guard case .server(let code) = kind else { return nil }
            return code
        }

        public var description: String { wireCode?.description ?? "\(kind)" }
    }

    public var code: Code
    public var message: String
    /// True when the same call may succeed later without a change, perhaps on a new connection.
    public var isRetriable: Bool

    public init(_ code: Code, _ message: String, isRetriable: Bool = false) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
    }

    init(_ reply: ErrorReply) {
        self.init(.server(reply.error.code), reply.error.message, isRetriable: reply.isRetriable)
    }

    init(_ error: WireError) { self.init(.server(error.code), error.message, isRetriable: error.isRetriable) }

    /// What came out of a future: ours as it is, anything else is the network's.
    init(anything error: any Error) {
        switch error {
        case let error as ClientError: self = error
        case let error as WireError: self.init(error)
        default: self = .lost(networkErrorText(error))
        }
    }

    static func lost(_ message: String) -> ClientError { ClientError(.connectionLost, message, isRetriable: true) }

    static func violation(_ error: WireError) -> ClientError {
        ClientError(.protocolViolation, "the server's bytes are not a reply: \(error.message)")
    }
}

extension ClientError: CustomStringConvertible {
    public var description: String { "\(code): \(message)" }
}
