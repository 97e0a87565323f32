public import NIOCore

/// A message with a codec for its body. The hot pairs, LOOKUP and VALUES, ROWS and COLUMNS, have views and writers
/// beside their owning types.
public protocol WireMessage: Sendable {
    static var type: MessageType { get }

    /// Reads a whole body.
    ///
    /// - Throws: `MALFORMED_FRAME` for bytes that contradict each other and for bytes left over; `TOO_MANY` for counts
    ///   beyond `limits`, before anything is allocated for them; `BAD_REQUEST` for fields outside their range.
    init(body: ByteBuffer, limits: WireLimits) throws(WireError)

    /// Appends the body.
    ///
    /// - Throws: `BAD_REQUEST` for a string that does not fit its length field, `TOO_MANY` for such a list.
    func writeBody(into buffer: inout ByteBuffer) throws(WireError)
}

extension WireMessage {
    public init(body: ByteBuffer) throws(WireError) { try self.init(body: body, limits: .standard) }

    /// Appends the message as one frame. On an error the buffer is as it was.
    ///
    /// - Throws: what `writeBody` throws; `TOO_MANY` when the frame is larger than `frameSizeMax`.
    public func writeFrame(
        requestID: UInt32,
        frameSizeMax: Int = WireLimits.standard.frameSizeMax,
        into buffer: inout ByteBuffer
    ) throws(WireError) {
        let frame = FrameWriter.beginFrame(Self.type, requestID: requestID, into: &buffer)
        do throws(WireError) {
            try writeBody(into: &buffer)
        } catch {
            FrameWriter.cancelFrame(frame, in: &buffer)
            throw error
        }
        try FrameWriter.endFrame(frame, in: &buffer, frameSizeMax: frameSizeMax)
    }
}
