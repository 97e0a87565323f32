/// Bytes that are not a message, a request that cannot be carried out, or a value that no message can hold.
///
/// The server sends it as an ERROR message; the message text never contains feature values, keys or tokens.
public struct WireError: Error, Hashable, Sendable {
    public var code: WireErrorCode
    /// One sentence for the person who wrote the request.
    public var message: String

    public init(_ code: WireErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// True when the byte stream can no longer be trusted: send the ERROR, then close.
    public var closesConnection: Bool { code.closesConnection }

    /// True when the same request may succeed later without a change.
    public var isRetriable: Bool { code.isRetriable }

    @usableFromInline @inline(never)
    static func malformed(_ message: String) -> WireError { WireError(.malformedFrame, message) }
}

extension WireError: CustomStringConvertible {
    public var description: String { "\(code): \(message)" }
}

// Failures on hot paths are built out of line, so that the callers stay small.
extension WireError {
    @usableFromInline @inline(never)
    static func truncated(_ field: StaticString) -> WireError { malformed("the body ends inside \(field)") }

    @usableFromInline @inline(never)
    static func trailing(_ byteCount: Int) -> WireError { malformed("\(byteCount) bytes after the end of the message") }

    @usableFromInline @inline(never)
    static func unknownBits(_ rawValue: UInt8) -> WireError {
        malformed("options byte 0x\(String(rawValue, radix: 16)) has bits set that this message does not use")
    }

    @usableFromInline @inline(never)
    static func boundary(_ value: UInt8) -> WireError {
        WireError(.badRequest, "boundary \(value) is neither 0 (strictly before) nor 1 (inclusive)")
    }

    @usableFromInline @inline(never)
    static func timeNotGiven(_ field: StaticString) -> WireError {
        WireError(.badRequest, "\(field) must be 0 when its options bit is clear")
    }

    @usableFromInline @inline(never)
    static func noTimeLeft() -> WireError {
        WireError(.badRequest, "a deadline of 0 microseconds cannot be met; leave it out for none")
    }

    @usableFromInline @inline(never)
    static func tooMany(_ count: Int, _ what: StaticString, max: Int) -> WireError {
        WireError(.tooMany, "\(count) \(what), of which a request may have \(max)")
    }

    @usableFromInline @inline(never)
    static func empty(_ what: StaticString) -> WireError {
        WireError(.badRequest, "a request needs at least one of its \(what)")
    }

    @usableFromInline @inline(never)
    static func badKey(_ index: Int, _ reason: StaticString) -> WireError {
        WireError(.badEntityKey, "the entity key at index \(index) \(reason)")
    }

    @usableFromInline @inline(never)
    static func tooLarge(_ size: Int, max: Int) -> WireError {
        WireError(.frameTooLarge, "frame size \(size) is beyond the limit of \(max) bytes")
    }
}
