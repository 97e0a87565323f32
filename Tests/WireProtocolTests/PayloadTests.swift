import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// Lists and maps whose bytes lie are MALFORMED_FRAME, in VALUES and in COLUMNS; long rows are not written.
@Suite struct PayloadTests {
    private let numbers = FeatureType.list(of: .int64)
    private let counts = FeatureType.map(.string, to: .int64)

    /// The value, after a round through VALUES and through COLUMNS; they must agree.
    private func read(_ payload: [UInt8], _ type: FeatureType, length: Int? = nil) -> FeatureValue? {
        // One cell has the same bytes in both: status, length, payload.
        var cell = ByteBuffer(bytes: [0x81])
        cell.writeInteger(UInt32(length ?? payload.count), endianness: .little)
        cell.writeBytes(payload)
        var values = ByteBuffer()
        ValuesHeader(asOf: .distantPast, knownAt: .distantPast, count: 1, features: 1, eventTimes: false)
            .write(into: &values)
        values.writeImmutableBuffer(cell)
        var columns = ByteBuffer()
        ColumnsHeader(knownAt: .distantPast, count: 1, features: 1).write(into: &columns)
        columns.writeImmutableBuffer(cell)
        let row = accepted { () throws(WireError) in try ValuesReply(body: values, types: [type]).rows[0][0].value }
        let column = accepted { () throws(WireError) in try ColumnsReply(body: columns, types: [type]).columns[0][0] }
        #expect(row == column)
        return row
    }

    private func accepted(_ body: () throws(WireError) -> FeatureValue) -> FeatureValue? {
        do throws(WireError) {
            return try body()
        } catch {
            #expect(error.code == .malformedFrame)
            return nil
        }
    }

    private func number(_ value: Int64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    @Test func payloadsThatLie() {
        let good: [UInt8] = [2, 0, 0, 0, 1, 0] + number(7)
        #expect(read(good, numbers) == .list([.int64(7), .null]))
        // A count beyond the bytes, up to the greatest; one below what is there.
        for count: [UInt8] in [
            [3, 0, 0, 0], [255, 255, 255, 127], [255, 255, 255, 255], [1, 0, 0, 0], [0, 0, 0, 0],
        ] {
            #expect(read(count + good.dropFirst(4), numbers) == nil)
        }
        // A mark that is neither 0 nor 1; a null that has a value; a value too few.
        #expect(read([2, 0, 0, 0, 1, 2] + number(7), numbers) == nil)
        #expect(read([2, 0, 0, 0, 0, 0] + number(7), numbers) == nil)
        #expect(read([2, 0, 0, 0, 1, 1] + number(7), numbers) == nil)
        // The length of the value itself.
        #expect(read(good, numbers, length: good.count - 1) == nil)
        #expect(read(good, numbers, length: good.count + 1) == nil)
        #expect(read(good, numbers, length: Int(UInt32.max)) == nil)
        #expect(read([], numbers) == nil)
        // Another type's bytes, text that is no UTF-8, a bool that is none.
        #expect(read(good, .list(of: .string)) == nil)
        #expect(read([1, 0, 0, 0, 1, 1, 0, 0, 0, 0xff], .list(of: .string)) == nil)
        #expect(read([1, 0, 0, 0, 1, 2], .list(of: .bool)) == nil)
        #expect(read([1, 0, 0, 0, 1, 1], .list(of: .bool)) == .list([.bool(true)]))
    }

    @Test func mapsThatLie() {
        func map(_ keys: [String]) -> [UInt8] {
            var bytes: [UInt8] = []
            FeaturePayload.append(map: keys.map { .init(key: .string($0), value: .int64(1)) }, to: &bytes)
            return bytes
        }
        #expect(read(map([]), counts) == .map([]))
        #expect(read(map(["b", "a"]), counts) != nil)
        #expect(read(map(["a", "b", "a"]), counts) == nil)
        let good = map(["a"])
        for cut in 0..<good.count { #expect(read(Array(good[..<cut]), counts) == nil) }
        for count: UInt8 in [0, 2, 255] { #expect(read([count] + good.dropFirst(), counts) == nil) }
    }

    @Test func columnsHoldNoBytesWithoutAValue() {
        var body = ByteBuffer()
        ColumnsHeader(knownAt: .distantPast, count: 1, features: 1).write(into: &body)
        body.writeBytes([2, 4, 0, 0, 0, 0, 0, 0, 0])
        #expect { try ColumnsReply(body: body, types: [numbers]) } throws: { error in
            (error as? WireError)?.code == .malformedFrame
        }
    }

    @Test func everyTypeByte() {
        for byte in UInt8.min ... .max {
            var body = ByteBuffer()
            body.writeBytes([1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0x66, byte])
            let type = FeatureType(rawValue: byte)
            let read = try? PreparedReply(body: body)
            #expect(read?.features.first?.type == type && type.map { $0.rawValue == byte } ?? true)
        }
        #expect(FeatureType(rawValue: 0xb1) == counts && FeatureType(rawValue: 0x11) == numbers)
    }

    /// The row's bytes at the room there is, and one beyond it.
    @Test func aRowBeyondItsRoomIsNotWritten() {
        let cells = TestCells([
            FeatureCell(status: .present, value: .list((0..<100).map { .int64($0) })),
            FeatureCell(status: .present, value: .string("0123456789")),
        ])
        let layout = FeatureLayout(types: [numbers, .string])
        let length = 4 + 100 + 800 + 10
        for (room, fits) in [(length, true), (length - 1, false), (0, false)] {
            var buffer = ByteBuffer(bytes: [1])
            let isWritten = cells.withView { buffer.writeValuesRow($0, layout: layout, byteCountMax: room) }
            #expect(isWritten == fits && buffer.readableBytes == 1 + (fits ? 2 + 4 + 4 + length : 0))
        }
    }
}
