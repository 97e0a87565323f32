import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// Counts and lengths at the limit less one, at the limit, and one beyond it.
@Suite struct LimitTests {
    private let limits = WireLimits(entitiesMax: 5, featuresMax: 3, rowsMax: 4)
    private let key = EntityKey.encode([.int64(1)]) ?? []

    private func code<M: WireMessage>(_ message: M) throws -> WireErrorCode? {
        var buffer = ByteBuffer()
        try message.writeBody(into: &buffer)
        return code { () throws(WireError) in _ = try M(body: buffer, limits: limits) }
    }

    private func code(_ body: () throws(WireError) -> Void) -> WireErrorCode? {
        do throws(WireError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func counts() throws {
        for (count, expected) in [(4, nil), (5, nil), (6, WireErrorCode.tooMany), (0, .badRequest)] {
            let keys = Array(repeating: key, count: count)
            #expect(try code(LookupRequest(lookupID: 1, keys: keys)) == expected)
        }
        for (count, expected) in [(3, nil), (4, nil), (5, WireErrorCode.tooMany), (0, .badRequest)] {
            let keys = Array(repeating: key, count: count)
            let times = Array(repeating: Instant(microseconds: 1), count: count)
            #expect(try code(RowsRequest(lookupID: 1, asOf: times, keys: keys)) == expected)
        }
        for (count, expected) in [(2, nil), (3, nil), (4, WireErrorCode.tooMany), (0, .badRequest)] {
            #expect(try code(PrepareRequest(.references(Array(repeating: "a:b", count: count)))) == expected)
        }
    }

    @Test func rowsOfAHistoryPage() throws {
        for (rows, expected) in [(3, nil), (4, nil), (5, WireErrorCode.tooMany), (0, .badRequest)] {
            #expect(try code(HistoryPageRequest(view: "v", rows: rows)) == expected)
        }
        for (length, expected) in [(1023, nil), (1024, nil), (1025, WireErrorCode.badEntityKey)] {
            var body = ByteBuffer()
            let place = HistoryPlace(key: [], time: 0, stream: 0, offset: 0)
            try HistoryPageRequest(view: "v", rows: 1, place: place).writeBody(into: &body)
            body.moveWriterIndex(to: body.writerIndex - 2)
            body.writeInteger(UInt16(length), endianness: .little)
            body.writeBytes([UInt8](repeating: 3, count: length))
            #expect(code { () throws(WireError) in _ = try HistoryPageRequest(body: body, limits: limits) } == expected)
        }
        let time = Instant(microseconds: 5)
        for (end, expected) in [(4, WireErrorCode.badRequest), (5, .badRequest), (6, nil)] as [(Int64, WireErrorCode?)]
        {
            let end = Instant(microseconds: end)
            #expect(try code(HistoryPageRequest(view: "v", start: time, end: end, rows: 1)) == expected)
        }
    }

    /// Rows and entities that a reply claims, and strings that are cut within a character.
    @Test func historyRepliesThatLie() throws {
        let golden = GoldenMessages.historyPageReply
        func changed(_ change: (inout HistoryPageReply) -> Void) throws -> WireErrorCode? {
            var reply = golden
            change(&reply)
            var body = ByteBuffer()
            try reply.writeBody(into: &body)
            return code { () throws(WireError) in _ = try HistoryPageReply(body: body) }
        }
        #expect(try changed { _ in } == nil)
        #expect(try changed { $0.runs[0].rows = 1 } == .malformedFrame)
        #expect(try changed { $0.runs[0].rows = 3 } == .malformedFrame)
        #expect(try changed { $0.runs[1].rows = 0 } == .malformedFrame)
        #expect(try changed { $0.runs[1].key = [] } == .badEntityKey)
        #expect(try changed { $0.progress = 1_000_001 } == .malformedFrame)
        #expect(try changed { $0.deleted = [0, 0, 2] } == .malformedFrame)
        #expect(
            try changed { $0.columns[2].values = .string(lengths: [2, 5, 0], bytes: Array("Zürich".utf8)) }
                == .badRequest
        )
        #expect(
            try changed { $0.columns[2].values = .string(lengths: [.max, 0, 0], bytes: []) } == .malformedFrame
        )
    }

    /// A count field far beyond the bytes that are there is refused without making room for it.
    @Test func countsThatLie() throws {
        let all = WireLimits(entitiesMax: .max, featuresMax: .max, rowsMax: .max)
        for count in [2, 3, UInt32(Int32.max), .max] {
            var lookup = ByteBuffer()
            try LookupRequest(lookupID: 1, keys: [key]).writeBody(into: &lookup)
            lookup.setInteger(count, at: 21, endianness: .little)
            #expect(
                code { () throws(WireError) in _ = try LookupRequest(body: lookup, limits: all) } == .malformedFrame
            )
            var rows = ByteBuffer()
            try RowsRequest(lookupID: 1, asOf: [.distantPast], keys: [key]).writeBody(into: &rows)
            rows.setInteger(count, at: 13, endianness: .little)
            #expect(code { () throws(WireError) in _ = try RowsRequest(body: rows, limits: all) } == .malformedFrame)
        }
        for (name, offset) in [
            ("values", 16 + 12), ("columns", 8 + 12), ("values_nested", 16 + 12), ("columns_nested", 8 + 12),
        ] {
            var frame = try GoldenFrame.load(name)
            frame.setInteger(UInt32.max, at: offset, endianness: .little)
            frame.moveReaderIndex(forwardBy: 12)
            let types = GoldenMessages.types(of: name)
            let found = code { () throws(WireError) in
                if name.hasPrefix("values") {
                    _ = try ValuesReply(body: frame, types: types)
                } else {
                    _ = try ColumnsReply(body: frame, types: types)
                }
            }
            #expect(found == .malformedFrame)
        }
    }

    @Test func keyLengths() throws {
        for (length, expected) in [(1023, nil), (1024, nil), (1025, WireErrorCode.badEntityKey)] {
            var body = ByteBuffer()
            try LookupRequest(lookupID: 1, keys: [[]]).writeBody(into: &body)
            body.moveWriterIndex(to: body.writerIndex - 2)
            body.writeInteger(UInt16(length), endianness: .little)
            body.writeMultipleIntegers(3 as UInt8, UInt16(length - 3))
            body.writeRepeatingByte(0x61, count: length - 3)
            #expect(try keysCode(body, [.string]) == expected)
        }
    }

    private func keysCode(_ body: ByteBuffer, _ joinKeys: [ValueType]) throws -> WireErrorCode? {
        code { () throws(WireError) in
            try body.withUnsafeReadableBytes { bytes throws(WireError) in
                _ = try LookupRequestView(bytes, limits: limits).keys(joinKeys: joinKeys)
            }
        }
    }

    @Test func keyTypes() throws {
        var body = ByteBuffer()
        try LookupRequest(lookupID: 1, keys: [key, key]).writeBody(into: &body)
        #expect(try keysCode(body, [.int64]) == nil)
        #expect(try keysCode(body, [.string]) == .badEntityKey)
        #expect(try keysCode(body, [.int64, .int64]) == .badEntityKey)
        #expect(try keysCode(body, []) == .badEntityKey)
        body.writeInteger(0 as UInt8)
        #expect(try keysCode(body, [.int64]) == .malformedFrame)
    }

    @Test func optionsAndTimes() throws {
        func changed(_ options: UInt8, asOf: Int64 = 0) throws -> WireErrorCode? {
            var body = ByteBuffer()
            try LookupRequest(lookupID: 1, keys: [key]).writeBody(into: &body)
            body.setInteger(options, at: 4)
            body.setInteger(asOf, at: 5, endianness: .little)
            return try keysCode(body, [.int64])
        }
        #expect(try changed(0x0f, asOf: .min) == nil)
        #expect(try changed(0x20) == .malformedFrame)
        #expect(try changed(0x10) == .badRequest)
        #expect(try changed(0x18) == .badRequest)
        #expect(try changed(0, asOf: 1) == .badRequest)
        func rows(_ options: UInt8) throws -> WireErrorCode? {
            var body = ByteBuffer()
            try RowsRequest(lookupID: 1, asOf: [.distantPast], keys: [key]).writeBody(into: &body)
            body.setInteger(options, at: 4)
            return code { () throws(WireError) in _ = try RowsRequest(body: body, limits: .standard) }
        }
        #expect(try rows(0x2a) == nil && rows(0x2e) == nil)
        for bit in [0x01, 0x40] as [UInt8] { #expect(try rows(bit) == .malformedFrame) }
    }
}
