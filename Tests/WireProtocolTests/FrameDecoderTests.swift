import NIOCore
import Testing
import WireProtocol

@Suite struct FrameDecoderTests {
    private func header(size: UInt32, type: UInt8 = 0x30, flags: UInt8 = 0, reserved: UInt16 = 0) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(size, type, flags, reserved, UInt32(77), endianness: .little)
        return bytes
    }

    private func failure(_ bytes: ByteBuffer, max: Int = 4096) -> (code: WireErrorCode?, request: UInt32) {
        var bytes = bytes
        var decoder = FrameDecoder(frameSizeMax: max)
        do throws(WireError) {
            _ = try decoder.next(from: &bytes)
            return (nil, decoder.requestID)
        } catch {
            return (error.code, decoder.requestID)
        }
    }

    /// Every golden frame joined, cut at every place, and fed byte by byte: the same frames come out.
    @Test func bytesMayArriveInAnyPieces() throws {
        var all = ByteBuffer()
        for name in GoldenFrame.names { all.writeImmutableBuffer(try GoldenFrame.load(name)) }
        let joined = try drain([all])
        #expect(joined.count == GoldenFrame.names.count)
        #expect(try drain(all.readableBytesView.map { ByteBuffer(bytes: [$0]) }) == joined)
        for cut in 0...all.readableBytes {
            let parts = [all.getSlice(at: 0, length: cut), all.getSlice(at: cut, length: all.readableBytes - cut)]
            #expect(try drain(parts.compactMap { $0 }) == joined)
        }
    }

    private func drain(_ parts: [ByteBuffer]) throws -> [Frame] {
        var decoder = FrameDecoder()
        var buffer = ByteBuffer()
        var frames: [Frame] = []
        for part in parts {
            buffer.writeImmutableBuffer(part)
            while let frame = try decoder.next(from: &buffer) { frames.append(frame) }
        }
        #expect(buffer.readableBytes == 0)
        return frames
    }

    @Test func sizeIsCheckedBeforeTheBodyIsThere() {
        #expect(failure(header(size: 4095)).code == nil)
        #expect(failure(header(size: 4096)).code == nil)
        #expect(failure(header(size: 4097)).code == .frameTooLarge)
        #expect(failure(header(size: .max)).code == .frameTooLarge)
        #expect(failure(header(size: 0x8000_0000)).code == .frameTooLarge)
        // Four bytes are enough to refuse.
        #expect(failure(ByteBuffer(bytes: [0xff, 0xff, 0xff, 0xff])).code == .frameTooLarge)
        for size in 0..<UInt32(8) { #expect(failure(header(size: size)).code == .malformedFrame) }
        #expect(failure(header(size: 8)).code == nil)
        #expect(failure(header(size: 4097), max: 4097).code == nil)
    }

    @Test func headerFieldsAreChecked() {
        #expect(failure(header(size: 8, flags: 1)) == (.malformedFrame, 77))
        #expect(failure(header(size: 8, reserved: 0x8000)) == (.malformedFrame, 77))
        #expect(failure(header(size: 4096, type: 0x7f)) == (.unknownMessage, 77))
        #expect(failure(header(size: 1)).request == 0)
    }

    @Test func limitMayGrowBetweenFrames() throws {
        var decoder = FrameDecoder()
        var bytes = header(size: 4097)
        decoder.frameSizeMax = 5000
        #expect(try decoder.next(from: &bytes) == nil)
        #expect(decoder.missingByteCount(in: bytes) == 4097 - 8)
        bytes.writeRepeatingByte(0, count: 4097 - 8)
        #expect(try decoder.next(from: &bytes)?.body.readableBytes == 4089)
        #expect(decoder.missingByteCount(in: bytes) == nil)
    }

    @Test func afterAnErrorNothingIsReadAnyMore() throws {
        var decoder = FrameDecoder()
        var bytes = header(size: 4)
        #expect(throws: WireError.self) { try decoder.next(from: &bytes) }
        var good = try GoldenFrame.load("ping")
        #expect(throws: WireError.self) { try decoder.next(from: &good) }
    }

    @Test func writerRefusesWhatTheReaderWould() throws {
        for (body, fits) in [(4087, true), (4088, true), (4089, false)] {
            var buffer = ByteBuffer(bytes: [1, 2, 3])
            let frame = FrameWriter.beginFrame(.pong, requestID: 1, into: &buffer)
            buffer.writeRepeatingByte(0, count: body)
            do throws(WireError) {
                try FrameWriter.endFrame(frame, in: &buffer, frameSizeMax: 4096)
                #expect(fits && buffer.readableBytes == 3 + 12 + body)
            } catch {
                #expect(!fits && error.code == .tooMany && buffer.readableBytes == 3)
            }
        }
    }
}
