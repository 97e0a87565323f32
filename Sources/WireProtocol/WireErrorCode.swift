/// The code of an ERROR message. An open set: a code that this build does not know is kept as it is.
public struct WireErrorCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A length, flag or count that contradicts the frame. Closes.
    public static let malformedFrame = WireErrorCode(rawValue: 1)
    /// A size beyond the limit in force. Closes.
    public static let frameTooLarge = WireErrorCode(rawValue: 2)
    /// A message before HELLO, or a second HELLO. Closes.
    public static let notGreeted = WireErrorCode(rawValue: 3)
    /// No common protocol version. Closes.
    public static let versionUnsupported = WireErrorCode(rawValue: 4)
    /// Token missing or wrong. Closes.
    public static let unauthenticated = WireErrorCode(rawValue: 5)
    /// A type that the receiver does not take. Closes.
    public static let unknownMessage = WireErrorCode(rawValue: 6)
    /// With checksums: a frame whose bytes are not those that were sent, or without a checksum. Closes.
    public static let checksumMismatch = WireErrorCode(rawValue: 7)
    /// No such feature service or version.
    public static let unknownService = WireErrorCode(rawValue: 10)
    /// No such view or feature.
    public static let unknownFeature = WireErrorCode(rawValue: 11)
    /// A lookup id that was not prepared on this connection.
    public static let unknownLookup = WireErrorCode(rawValue: 12)
    /// A key that does not fit the join keys.
    public static let badEntityKey = WireErrorCode(rawValue: 13)
    /// A count beyond a limit, or a reply that would be beyond the frame limit.
    public static let tooMany = WireErrorCode(rawValue: 14)
    /// A field outside its range.
    public static let badRequest = WireErrorCode(rawValue: 15)
    /// Known to the protocol, not to this server.
    public static let unsupported = WireErrorCode(rawValue: 16)
    /// The prepared lookup no longer exists; prepare again.
    public static let definitionsChanged = WireErrorCode(rawValue: 17)
    /// Retry later. Retriable.
    public static let overloaded = WireErrorCode(rawValue: 20)
    /// Starting, or stopping. Retriable.
    public static let notReady = WireErrorCode(rawValue: 21)
    /// The store stopped by name (corruption, disk); see the server's log.
    public static let storeFailed = WireErrorCode(rawValue: 22)
    /// A defect in the server.
    public static let internalError = WireErrorCode(rawValue: 23)
    /// The deadline of the request was over before it was computed.
    public static let deadlineExceeded = WireErrorCode(rawValue: 24)

    /// True for codes 1 to 7, after which the byte stream can no longer be trusted.
    public var closesConnection: Bool { (1...7).contains(rawValue) }

    /// True when the same request may succeed later without a change.
    public var isRetriable: Bool { self == .overloaded || self == .notReady }
}

extension WireErrorCode: CustomStringConvertible {
    /// The name in the format page, such as `MALFORMED_FRAME`; `CODE_999` for a code that this build does not know.
    public var description: String {
        switch self {
        case .malformedFrame: "MALFORMED_FRAME"
        case .frameTooLarge: "FRAME_TOO_LARGE"
        case .notGreeted: "NOT_GREETED"
        case .versionUnsupported: "VERSION_UNSUPPORTED"
        case .unauthenticated: "UNAUTHENTICATED"
        case .unknownMessage: "UNKNOWN_MESSAGE"
        case .checksumMismatch: "CHECKSUM_MISMATCH"
        case .unknownService: "UNKNOWN_SERVICE"
        case .unknownFeature: "UNKNOWN_FEATURE"
        case .unknownLookup: "UNKNOWN_LOOKUP"
        case .badEntityKey: "BAD_ENTITY_KEY"
        case .tooMany: "TOO_MANY"
        case .badRequest: "BAD_REQUEST"
        case .unsupported: "UNSUPPORTED"
        case .definitionsChanged: "DEFINITIONS_CHANGED"
        case .overloaded: "OVERLOADED"
        case .notReady: "NOT_READY"
        case .storeFailed: "STORE_FAILED"
        case .internalError: "INTERNAL"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        default: "CODE_\(rawValue)"
        }
    }
}
