internal import CZlib
public import NIOCore

/// The checksum of a frame: CRC-32 as zlib computes it (ISO-HDLC), over all bytes after `size` and before itself.
///
/// Where HELLO and WELCOME agreed on them, frames are written without and sealed on their way out, so that the writers of
/// messages know nothing of it. `FrameDecoder` checks and removes what `seal` adds.
public enum FrameChecksum {
    /// What a checksum adds to a frame and to its size field.
    public static let byteCount = 4
    /// Bit 0 of `flags`, in the eight bytes behind the size field.
    static let flag: UInt64 = 0x100

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return 0 }
        return UInt32(truncatingIfNeeded: crc32_z(0, start, bytes.count))
    }

    /// The same frames, each with its flag and its checksum.
    ///
    /// - Parameter frames: whole frames without checksums, as `FrameWriter` wrote them. A frame that could not be sealed for
    ///   its size was written beyond a limit that counts the checksum; it is left out with all that follows it.
    public static func seal(_ frames: ByteBuffer) -> ByteBuffer {
        var rest = frames
        var sealed = ByteBufferAllocator().buffer(capacity: frames.readableBytes + 4 * byteCount)
        while let field = rest.readInteger(endianness: .little, as: UInt32.self) {
            let (size, overflow) = field.addingReportingOverflow(UInt32(byteCount))
            guard !overflow, var frame = rest.readSlice(length: Int(field)),
                let word = frame.readInteger(endianness: .little, as: UInt64.self)
            else { break }
            let start = sealed.writerIndex + 4
            sealed.writeMultipleIntegers(size, word | flag, endianness: .little)
            sealed.writeBuffer(&frame)
            let checksum = sealed.withUnsafeReadableBytes { bytes in
                of(UnsafeRawBufferPointer(rebasing: bytes[(start - sealed.readerIndex)...]))
            }
            sealed.writeInteger(checksum, endianness: .little)
        }
        return sealed
    }
}
