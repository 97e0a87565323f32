public import NIOCore

/// Cuts a byte stream into frames, with a bound on their size.
///
/// The size is checked as soon as its four bytes are there, before anything is allocated or waited for. After an error
/// the stream has no meaning any more: every further call throws the same error.
public struct FrameDecoder: Sendable {
    /// The greatest size field that is accepted, in bytes; the handshake raises it.
    public var frameSizeMax: Int
    /// True when every frame must have a checksum; the handshake decides it.
    public var checksums = false
    /// The request id of the last header read, for the ERROR that answers it; 0 when the error came before the id.
    public private(set) var requestID: UInt32 = 0
    @usableFromInline var failure: WireError?

    public init(frameSizeMax: Int = WireVersion.frameSizeMaxBeforeWelcome) { self.frameSizeMax = frameSizeMax }

    /// Takes one frame from `buffer`, or nothing when it holds less than one.
    ///
    /// - Throws: `FRAME_TOO_LARGE`, `MALFORMED_FRAME` (size below 8, flags or reserved not 0), `UNKNOWN_MESSAGE`, and with
    ///   checksums `CHECKSUM_MISMATCH`, before any other field is judged than the size.
    public mutating func next(from buffer: inout ByteBuffer) throws(WireError) -> Frame? {
        if let failure { throw failure }
        do throws(WireError) {
            return try take(from: &buffer)
        } catch {
            failure = error
            throw error
        }
    }

    /// The bytes that the frame at the front of `buffer` still lacks; nil while its size is not known. A reader may
    /// reserve that much, since the size was checked.
    public func missingByteCount(in buffer: ByteBuffer) -> Int? {
        guard let size = buffer.getInteger(at: buffer.readerIndex, endianness: .little, as: UInt32.self),
            Int(size) <= frameSizeMax
        else { return nil }
        return max(0, 4 + Int(size) - buffer.readableBytes)
    }

    private mutating func take(from buffer: inout ByteBuffer) throws(WireError) -> Frame? {
        let start = buffer.readerIndex
        let readable = buffer.readableBytes
        guard let sizeField = buffer.getInteger(at: start, endianness: .little, as: UInt32.self) else { return nil }
        requestID = 0
        let size = Int(sizeField)
        guard size <= frameSizeMax else { throw WireError.tooLarge(size, max: frameSizeMax) }
        let trailer = checksums ? FrameChecksum.byteCount : 0
        guard size >= FrameHeader.sizeMin + trailer else {
            throw WireError.malformed("frame size \(size) is below \(FrameHeader.sizeMin + trailer)")
        }
        guard readable >= FrameHeader.byteCount,
            let word = buffer.getInteger(at: start + 4, endianness: .little, as: UInt64.self)
        else { return nil }
        requestID = UInt32(truncatingIfNeeded: word >> 32)
        if checksums {
            guard word & FrameChecksum.flag != 0 else {
                throw WireError(.checksumMismatch, "a frame without the checksum that the greeting agreed on")
            }
            guard readable - 4 >= size else { return nil }
            try verify(buffer, size)
        }
        guard word & 0xffff_ff00 == (checksums ? FrameChecksum.flag : 0) else {
            throw WireError.malformed("flags and reserved bytes must be 0")
        }
        guard let type = MessageType(rawValue: UInt8(truncatingIfNeeded: word)) else {
            throw WireError(.unknownMessage, "message type 0x\(String(word & 0xff, radix: 16)) does not exist")
        }
        guard readable - 4 >= size else { return nil }
        buffer.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        guard let body = buffer.readSlice(length: size - FrameHeader.sizeMin - trailer) else { return nil }
        buffer.moveReaderIndex(forwardBy: trailer)
        return Frame(type: type, requestID: requestID, body: body)
    }

    /// Checks the checksum of the whole frame at the front of `buffer`.
    private func verify(_ buffer: ByteBuffer, _ size: Int) throws(WireError) {
        let place = size - FrameChecksum.byteCount
        let isRight = buffer.withUnsafeReadableBytes { bytes in
            let checksum = bytes.loadUnaligned(fromByteOffset: 4 + place, as: UInt32.self)
            return FrameChecksum.of(UnsafeRawBufferPointer(rebasing: bytes[4..<(4 + place)])) == checksum
        }
        guard isRight else {
            throw WireError(.checksumMismatch, "the bytes of a frame are not those that its checksum was computed over")
        }
    }
}
