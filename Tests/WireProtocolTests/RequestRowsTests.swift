import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// Request values at their limits, and bytes that are none.
@Suite struct RequestRowsTests {
    private let fields = GoldenMessages.requestFields

    private func read(_ bytes: [UInt8]?, count: Int = 1, fields: [Field]) throws(WireError) -> RequestValues {
        var values = RequestValues()
        guard let bytes else {
            try RequestRows.read(nil, count: count, fields: fields, into: &values)
            return values
        }
        var failure: WireError?
        bytes.withUnsafeBytes { raw in
            do throws(WireError) { try RequestRows.read(raw, count: count, fields: fields, into: &values) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    private func problem(_ bytes: [UInt8]?, count: Int = 1, _ fields: [Field]) -> WireError? {
        do throws(WireError) {
            _ = try read(bytes, count: count, fields: fields)
            return nil
        } catch { return error }
    }

    private func region(_ rows: [[FeatureValue]]) throws -> [UInt8] {
        var body = ByteBuffer()
        let keys = rows.map { _ in [UInt8]() }
        try LookupRequest(lookupID: 1, requestValues: rows, keys: keys).writeBody(into: &body)
        body.moveReaderIndex(forwardBy: 29)
        return Array(body.readableBytesView.dropLast(2 * rows.count))
    }

    @Test func valuesBecomeSlots() throws {
        let values = try read(region(GoldenMessages.requestRows), count: 2, fields: fields)
        #expect(values.fieldCount == 5 && values.rowCount == 2)
        #expect(values.isNull == [false, false, false, false, false, true, false, false, true, true])
        #expect(values.slots[0] == UInt64(bitPattern: -7) && values.slots[3] == 1)
        #expect(Double(bitPattern: values.slots[1]) == 0.1 && Double(bitPattern: values.slots[6]) == -2.5)
        #expect(values.slots[2] == 7 && values.slots[7] == 7 << 32)
        #expect(String(decoding: values.strings, as: UTF8.self) == "Zürich")
        // Equal numbers have equal bits.
        let zero = try read(region([[.float64(-0.0)]]), fields: [fields[1]])
        #expect(zero.slots == [0])
    }

    @Test func nothingIsSentWhereNothingIsAskedFor() throws {
        #expect(try read(nil, fields: []).rowCount == 0)
        #expect(problem([], [])?.code == .badRequest)
        var (with, without) = (ByteBuffer(), ByteBuffer())
        try LookupRequest(lookupID: 1, requestValues: [], keys: [[]]).writeBody(into: &with)
        try LookupRequest(lookupID: 1, keys: [[]]).writeBody(into: &without)
        #expect(with == without && with.readableBytes == 27)
    }

    @Test func whatIsMissingIsNamed() throws {
        let two = [fields[0], fields[1]]
        #expect(problem(nil, two)?.message.contains("'n' (int64), 'amount' (float64)") == true)
        #expect(problem(nil, two)?.code == .badRequest)
        let short = problem([0, 0, 0], count: 2, two)
        #expect(
            short?.code == .badRequest
                && short?.message == "request value 'amount' (float64) of row 2 is missing; null is sent as null"
        )
        #expect(try problem(region([[.int64(1)]]), two)?.message.contains("'amount'") == true)
    }

    @Test(
        arguments: zip(0..<5, [FeatureValue.float64(1), .int64(1), .bool(true), .timestamp(.distantPast), .string("")])
    )
    func anotherTypeIsNamed(field: Int, value: FeatureValue) throws {
        let found = try problem(region([[value]]), [fields[field]])
        #expect(found?.code == .badRequest)
        #expect(
            found?.message.hasPrefix("request value '\(fields[field].name)' (\(fields[field].type.name)) of row 1 is ")
                == true
        )
        #expect(found?.message.hasSuffix("not \(fields[field].type.name)") == true)
    }

    @Test func hostileBytes() {
        let (int, float, string, bool) = (fields[0], fields[1], fields[2], fields[3])
        func code(_ bytes: [UInt8], _ field: Field) -> WireErrorCode? { problem(bytes, [field])?.code }
        #expect(code([6], int) == .badRequest)
        #expect(code([255], int) == .badRequest)
        #expect(code([1, 0, 0, 0], int) == .malformedFrame)
        #expect(code([1] + [UInt8](repeating: 0, count: 9), int) == .malformedFrame)
        #expect(code([0, 0], int) == .malformedFrame)
        for bits in [Double.nan, .infinity, -.infinity, .signalingNaN].map(\.bitPattern) {
            #expect(code([2] + (0..<8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }, float) == .badRequest)
        }
        #expect(code([4, 2], bool) == .badRequest)
        #expect(code([4, 1], bool) == nil)
        #expect(code([3, 2, 0, 0, 0, 0xc3], string) == .malformedFrame)
        #expect(code([3, 1, 0, 0, 0, 0xc3], string) == .badRequest)
        #expect(code([3, 255, 255, 255, 255, 0x61], string) == .malformedFrame)
    }

    @Test(arguments: [(65_535, true), (65_536, true), (65_537, false)])
    func strings(length: Int, fits: Bool) throws {
        let found = try problem(region([[.string(String(repeating: "a", count: length))]]), [fields[2]])
        #expect(found?.code == (fits ? nil : .badRequest))
        #expect(FeatureValue.string(String(repeating: "a", count: length)).requestProblem(of: .string) == nil || !fits)
    }

    /// A size field that lies is refused before anything is taken.
    @Test(arguments: [0, 1, 17, 19, UInt32(Int32.max), .max])
    func sizesThatLie(size: UInt32) throws {
        var lookup = ByteBuffer()
        try LookupRequest(lookupID: 1, requestValues: [[.int64(1)], [.int64(2)]], keys: [[], []]).writeBody(
            into: &lookup
        )
        lookup.setInteger(size, at: 25, endianness: .little)
        lookup.withUnsafeReadableBytes { bytes -> Void in
            #expect(throws: WireError.self) {
                let view = try LookupRequestView(bytes, limits: .standard)
                var values = RequestValues()
                try view.requestValues([fields[0]], into: &values)
                _ = try view.keys(joinKeys: [])
            }
        }
    }

    @Test func rowsThatDoNotFitTheKeysAreNotWritten() {
        var body = ByteBuffer()
        #expect(throws: WireError.self) {
            try LookupRequest(lookupID: 1, requestValues: [[.null]], keys: [[], []]).writeBody(into: &body)
        }
        #expect(throws: WireError.self) {
            try LookupRequest(lookupID: 1, requestValues: [[.null], []], keys: [[], []]).writeBody(into: &body)
        }
        #expect(throws: WireError.self) {
            try LookupRequest(lookupID: 1, requestValues: [[.list([])]], keys: [[]]).writeBody(into: &body)
        }
    }
}
