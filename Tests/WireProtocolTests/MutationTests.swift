import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// No bytes make a decoder trap, and what a decoder accepts encodes to the bytes that it came from.
@Suite struct MutationTests {
    /// SplitMix64.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    @Test func everyPrefixIsRefusedOrWaitedFor() throws {
        for name in GoldenFrame.names {
            var whole = try GoldenFrame.load(name)
            let type = try #require(MessageType(rawValue: whole.getInteger(at: 4) ?? 0))
            whole.moveReaderIndex(forwardBy: 12)
            let types = GoldenMessages.types(of: name)
            #expect(try decode(type, whole, types) != nil, "\(name)")
            for length in 0..<whole.readableBytes {
                // Without its 35 bytes of request fields a PREPARED is one that asks for nothing.
                if name == "prepared_request", length == whole.readableBytes - 35 { continue }
                // So is a greeting without its options.
                if name.hasSuffix("_options"), length == whole.readableBytes - 1 { continue }
                let part = try #require(whole.getSlice(at: 12, length: length))
                #expect(throws: WireError.self, "\(name) cut to \(length)") { try decode(type, part, types) }
            }
            let isGreeting = type == .hello || type == .welcome
            whole.writeInteger(0 as UInt8)
            // One more is the options of a greeting, two are not.
            if isGreeting, !name.hasSuffix("_options") { whole.writeInteger(0 as UInt8) }
            #expect(throws: WireError.self, "\(name) with a byte too many") { try decode(type, whole, types) }
        }
    }

    @Test func mutatedFrames() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("MutationTests.mutatedFrames seed \(seed)")
        var random = Random(state: seed)
        let frames = try GoldenFrame.names.map { (try GoldenFrame.load($0), GoldenMessages.types(of: $0)) }
        var accepted = 0
        for _ in 0..<100_000 {
            let (golden, types) = frames[Int.random(in: 0..<frames.count, using: &random)]
            var bytes = Array(golden.readableBytesView)
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            var buffer = ByteBuffer(bytes: bytes)
            var decoder = FrameDecoder(frameSizeMax: 1 << 20)
            do throws(WireError) {
                guard let frame = try decoder.next(from: &buffer) else { continue }
                guard let again = try decode(frame.type, frame.body, types) else { continue }
                accepted += 1
                #expect(again == frame.body, "seed \(seed): \(bytes)")
            } catch {
                #expect((1...24).contains(error.code.rawValue))
            }
        }
        #expect(accepted > 0)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
        guard !bytes.isEmpty else { return }
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
        case 3: bytes.removeSubrange(at...)
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        default: for index in at..<min(bytes.count, at + 4) { bytes[index] = 0xff }
        }
        // Mostly with a size that fits, so that the bodies' decoders are reached.
        guard bytes.count >= 12, Int.random(in: 0..<8, using: &random) != 0 else { return }
        let size = UInt32(bytes.count - 4)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: size >> (8 * UInt32(index))) }
    }

    /// Decodes a body, and gives what encoding the result gives. NaN and slots without a value keep their bytes too.
    private func decode(_ type: MessageType, _ body: ByteBuffer, _ types: [FeatureType]) throws(WireError)
        -> ByteBuffer?
    {
        switch type {
        case .hello: return try again(Hello(body: body))
        case .welcome: return try again(Welcome(body: body))
        case .error:
            let reply = try ErrorReply(body: body)
            return reply.error.message.utf8.count <= ErrorReply.messageByteCountMax ? try again(reply) : nil
        case .prepare: return try again(PrepareRequest(body: body))
        case .prepared: return try again(PreparedReply(body: body))
        case .lookup:
            try body.withUnsafeReadableBytes { bytes throws(WireError) in
                let view = try LookupRequestView(bytes, limits: .standard)
                _ = try? view.keys(joinKeys: GoldenMessages.joinKeys).map { EntityKey.decode($0) }
                takeRequestValues { values throws(WireError) in
                    try view.requestValues(GoldenMessages.requestFields, into: &values)
                }
            }
            return try again(LookupRequest(body: body))
        case .rows:
            try body.withUnsafeReadableBytes { bytes throws(WireError) in
                let view = try RowsRequestView(bytes, limits: .standard)
                _ = try? view.keys(joinKeys: GoldenMessages.joinKeys).map { EntityKey.decode($0) }
                takeRequestValues { values throws(WireError) in
                    try view.requestValues(GoldenMessages.requestFields, into: &values)
                }
            }
            return try again(RowsRequest(body: body))
        case .values: return try again(try ValuesReply(body: body, types: types), types)
        case .columns: return try again(try ColumnsReply(body: body, types: types), body)
        case .historyPage: return try again(HistoryPageRequest(body: body))
        case .historyPageReply: return try again(HistoryPageReply(body: body))
        case .admin: return try again(AdminRequest(body: body))
        case .adminReply: return try again(AdminReply(body: body))
        case .ping: return try again(Ping(body: body))
        case .pong: return try again(Pong(body: body))
        }
    }

    private func again(_ message: some WireMessage) throws(WireError) -> ByteBuffer {
        var buffer = ByteBuffer()
        try message.writeBody(into: &buffer)
        return buffer
    }

    /// What is taken is in range, whatever the bytes.
    private func takeRequestValues(_ body: (inout RequestValues) throws(WireError) -> Void) {
        var values = RequestValues()
        do throws(WireError) { try body(&values) } catch {
            #expect(error.code == .badRequest || error.code == .malformedFrame)
            return
        }
        #expect(values.slots.count == values.rowCount * 5 && values.isNull.count == values.slots.count)
        for (place, slot) in values.slots.enumerated() where !values.isNull[place] {
            switch place % 5 {
            case 1: #expect(Double(bitPattern: slot).isFinite)
            case 2: #expect(Int(slot >> 32) + Int(slot & 0xffff_ffff) <= values.strings.count)
            case 3: #expect(slot <= 1)
            default: break
            }
        }
    }

    private func again(_ reply: ValuesReply, _ types: [FeatureType]) throws(WireError) -> ByteBuffer {
        var buffer = ByteBuffer()
        let layout = FeatureLayout(types: types)
        ValuesHeader(
            asOf: reply.asOf,
            knownAt: reply.knownAt,
            count: reply.rows.count,
            features: layout.types.count,
            eventTimes: reply.hasEventTimes
        ).write(into: &buffer)
        for row in reply.rows {
            let isWritten = TestCells(row).withView(eventTimes: reply.hasEventTimes) {
                buffer.writeValuesRow($0, layout: layout, byteCountMax: .max)
            }
            #expect(isWritten)
        }
        return buffer
    }

    /// Cells without a value may hold other bytes than 0 in a mutated COLUMNS, so only the length is compared.
    private func again(_ reply: ColumnsReply, _ body: ByteBuffer) throws(WireError) -> ByteBuffer {
        #expect(reply.columns.allSatisfy { $0.statuses.count == reply.count })
        return body
    }
}
