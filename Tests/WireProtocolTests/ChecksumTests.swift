import NIOCore
import Testing
import WireProtocol

/// Frames with checksums: the golden ones, every flipped bit, every lie about the size.
@Suite struct ChecksumTests {
    private func decode(_ bytes: ByteBuffer, checksums: Bool = true) throws(WireError) -> Frame? {
        var bytes = bytes
        var decoder = FrameDecoder()
        decoder.checksums = checksums
        return try decoder.next(from: &bytes)
    }

    private func code(_ bytes: ByteBuffer, checksums: Bool = true) -> WireErrorCode? {
        do throws(WireError) {
            _ = try decode(bytes, checksums: checksums)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: ["ping", "lookup_now"]) func goldenFrames(name: String) throws {
        let plain = try GoldenFrame.load(name)
        let sealed = try GoldenFrame.load(name + "_checksum")
        #expect(FrameChecksum.seal(plain) == sealed)
        #expect(try decode(sealed) == decode(plain, checksums: false))
    }

    @Test func manyFramesAreSealedAtOnce() throws {
        var plain = ByteBuffer()
        for name in GoldenFrame.names { plain.writeImmutableBuffer(try GoldenFrame.load(name)) }
        var sealed = FrameChecksum.seal(plain)
        #expect(sealed.readableBytes == plain.readableBytes + 4 * GoldenFrame.names.count)
        var decoder = FrameDecoder()
        var checking = FrameDecoder()
        checking.checksums = true
        while let frame = try decoder.next(from: &plain) { #expect(try checking.next(from: &sealed) == frame) }
        #expect(sealed.readableBytes == 0)
    }

    @Test func everyFlippedBitIsFound() throws {
        let sealed = try GoldenFrame.load("lookup_now_checksum")
        for byte in 4..<sealed.readableBytes {
            for bit in 0..<8 {
                var changed = sealed
                changed.setInteger((sealed.getInteger(at: byte) ?? 0) ^ (1 << UInt8(bit)), at: byte)
                #expect(code(changed) == .checksumMismatch, "bit \(bit) of byte \(byte)")
            }
        }
    }

    @Test func bothSidesMustAgree() throws {
        let plain = try GoldenFrame.load("ping")
        let sealed = try GoldenFrame.load("ping_checksum")
        #expect(code(sealed, checksums: false) == .malformedFrame)
        // A frame of the least size is too short for a checksum.
        #expect(code(plain) == .malformedFrame)
        #expect(code(try GoldenFrame.load("lookup_now")) == .checksumMismatch)
    }

    /// A frame that is not whole yet is waited for, whatever its bytes are so far.
    @Test func piecesAreWaitedFor() throws {
        let sealed = try GoldenFrame.load("lookup_now_checksum")
        for length in 0..<sealed.readableBytes {
            let part = try #require(sealed.getSlice(at: 0, length: length))
            #expect(try decode(part) == nil)
        }
    }
}
