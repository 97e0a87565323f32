public import NIOCore

/// Writes frames: the header first, its size when the body is there.
///
///     let frame = FrameWriter.beginFrame(.values, requestID: id, into: &buffer)
///     ...                                                       // write the body
///     try FrameWriter.endFrame(frame, in: &buffer, frameSizeMax: limits.frameSizeMax)
public enum FrameWriter {
    /// Where a begun frame starts in its buffer.
    @frozen
    public struct OpenFrame: Sendable {
        @usableFromInline let start: Int
        @inlinable init(start: Int) { self.start = start }
    }

    /// Writes a header whose size is filled in by `endFrame`. Frames do not nest.
    @inlinable
    public static func beginFrame(
        _ type: MessageType,
        requestID: UInt32,
        into buffer: inout ByteBuffer
    ) -> OpenFrame {
        let start = buffer.writerIndex
        let word = UInt64(requestID) << 32 | UInt64(type.rawValue)
        buffer.writeMultipleIntegers(UInt32(FrameHeader.sizeMin), word, endianness: .little)
        return OpenFrame(start: start)
    }

    /// Fills in the size of a begun frame.
    ///
    /// - Throws: `TOO_MANY` when the frame is larger than `frameSizeMax`; the buffer is back as it was before
    ///   `beginFrame` then, and an ERROR may be written instead.
    @inlinable
    public static func endFrame(
        _ frame: OpenFrame,
        in buffer: inout ByteBuffer,
        frameSizeMax: Int
    ) throws(WireError) {
        let size = buffer.writerIndex - frame.start - 4
        guard size <= frameSizeMax, let field = UInt32(exactly: size) else {
            buffer.moveWriterIndex(to: frame.start)
            throw WireError.messageTooLarge(size, max: frameSizeMax)
        }
        buffer.setInteger(field, at: frame.start, endianness: .little)
    }

    /// Forgets a begun frame and everything written after its header.
    @inlinable
    public static func cancelFrame(_ frame: OpenFrame, in buffer: inout ByteBuffer) {
        buffer.moveWriterIndex(to: frame.start)
    }
}

extension WireError {
    @usableFromInline @inline(never)
    static func messageTooLarge(_ size: Int, max: Int) -> WireError {
        WireError(
            .tooMany,
            "the message would have \(size) bytes, beyond the frame limit of \(max); ask for fewer at once"
        )
    }
}
