public import NIOCore

/// ERROR: why a request, or the connection, failed.
public struct ErrorReply: WireMessage, Hashable {
    public static let type = MessageType.error
    /// Messages are cut to this many bytes, at a character, so that an ERROR fits the smallest frame limit.
    public static let messageByteCountMax = 2048

    public var error: WireError
    /// What the sender says; it may know more than the code.
    public var isRetriable: Bool

    public init(_ error: WireError) {
        self.error = error
        isRetriable = error.isRetriable
    }

    public init(body: ByteBuffer, limits: WireLimits) throws(WireError) {
        var reader = BodyReader(body)
        let code = WireErrorCode(rawValue: try reader.integer("code"))
        isRetriable = try reader.flag("retriable")
        error = WireError(code, try reader.text("message"))
        try reader.finish()
    }

    public func writeBody(into buffer: inout ByteBuffer) throws(WireError) {
        buffer.writeInteger(error.code.rawValue, endianness: .little)
        buffer.writeInteger(isRetriable ? 1 : 0, as: UInt8.self)
        try buffer.writeWireText(Self.cut(error.message), "message")
    }

    private static func cut(_ message: String) -> String {
        guard message.utf8.count > messageByteCountMax else { return message }
        var end = message.utf8.index(message.startIndex, offsetBy: messageByteCountMax)
        // Every index up to three bytes back meets the start of a scalar.
        while end.samePosition(in: message.unicodeScalars) == nil { end = message.utf8.index(before: end) }
        return String(message.unicodeScalars[..<end])
    }
}

extension FrameWriter {
    /// Appends `error` as an ERROR frame. It always fits: the message is cut to `ErrorReply.messageByteCountMax`.
    public static func writeError(_ error: WireError, requestID: UInt32, into buffer: inout ByteBuffer) {
        let frame = beginFrame(.error, requestID: requestID, into: &buffer)
        do throws(WireError) {
            try ErrorReply(error).writeBody(into: &buffer)
            try endFrame(frame, in: &buffer, frameSizeMax: WireVersion.frameSizeMaxBeforeWelcome)
        } catch {
            preconditionFailure("an ERROR with a cut message fits every limit")
        }
    }
}
