import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// What EVENTS refuses, and where its limits lie.
@Suite struct EventsRequestTests {
    private func request(rows: Int = 1, columns: Int = 1) -> EventsRequest {
        EventsRequest(
            source: "s",
            definitionHash: "h",
            times: Array(0..<Int64(rows)),
            offsets: Array(repeating: 5, count: rows),
            columns: (0..<columns).map {
                .init(field: Field(name: "c\($0)", type: .int64), slots: Array(repeating: 9, count: rows))
            }
        )
    }

    private func code(_ request: EventsRequest, _ limits: WireLimits = WireLimits(rowsMax: 9)) throws -> WireErrorCode?
    {
        var body = ByteBuffer()
        try request.writeBody(into: &body)
        return Self.code(of: body, limits)
    }

    private static func code(of body: ByteBuffer, _ limits: WireLimits = .standard) -> WireErrorCode? {
        do throws(WireError) {
            _ = try EventsRequest(body: body, limits: limits)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [(0, WireErrorCode.badRequest), (1, nil), (8, nil), (9, nil), (10, .tooMany)])
    func rows(count: Int, expected: WireErrorCode?) throws {
        #expect(try code(request(rows: count)) == expected)
    }

    @Test(arguments: [(0, nil), (127, nil), (128, nil), (129, WireErrorCode.tooMany)])
    func columns(count: Int, expected: WireErrorCode?) throws {
        #expect(try code(request(columns: count)) == expected)
    }

    /// A count that the bytes cannot hold is refused before room is made for it.
    @Test func countsThatLie() throws {
        var body = ByteBuffer()
        try request().writeBody(into: &body)
        // Behind both strings, the options and the number of columns.
        for count in [2, UInt32(Int32.max), .max] {
            body.setInteger(count, at: 3 + 3 + 1 + 2, endianness: .little)
            #expect(Self.code(of: body, WireLimits(rowsMax: .max)) == .malformedFrame)
        }
    }

    @Test func orderOfRows() throws {
        var request = request(rows: 3)
        for (times, offsets, expected) in [
            ([1, 1, 1], [1, 2, 3], nil), ([1, 2, 3], [3, 2, 1], nil), ([-5, 0, 5], [0, 0, 0], nil),
            ([1, 1, 2], [1, 1, 1], WireErrorCode.badRequest), ([2, 1, 3], [1, 2, 3], .badRequest),
            ([1, 1, 1], [3, 2, 4], .badRequest), ([1, 2, 3], [0, -1, 0], .badRequest),
            ([.min, 0, .max], [0, .max, 0], nil),
        ] as [([Int64], [Int64], WireErrorCode?)] {
            (request.times, request.offsets) = (times, offsets)
            #expect(try code(request) == expected, "\(times) \(offsets)")
        }
    }

    @Test func strings() throws {
        func code(_ lengths: [UInt64], _ bytes: [UInt8]) throws -> WireErrorCode? {
            var request = request(rows: lengths.count)
            request.columns = [
                .init(field: Field(name: "w", type: .string), slots: lengths, strings: bytes)
            ]
            return try self.code(request)
        }
        #expect(try code([2, 0, 1], Array("éa".utf8)) == nil)
        // Together they are UTF-8, one by one they are not.
        #expect(try code([1, 2], Array("éa".utf8)) == .badRequest)
        #expect(try code([1], [0xff]) == .badRequest)
        #expect(throws: WireError.self) { try code([2], [0x61]) }
        #expect(throws: WireError.self) { try code([1 << 32], [0x61]) }
    }

    @Test func columnsOfOneName() throws {
        var request = request(columns: 2)
        request.columns[1].field.name = "c0"
        #expect(try code(request) == .badRequest)
    }

    @Test func nullsBehindTheLastRow() throws {
        var request = request(rows: 9)
        request.columns[0].isNull = [Bool](repeating: true, count: 9)
        var body = ByteBuffer()
        try request.writeBody(into: &body)
        #expect(Self.code(of: body) == nil)
        let place = body.readableBytes - 9 * 8 - 1
        #expect(body.getInteger(at: place) == (1 as UInt8))
        body.setInteger(3 as UInt8, at: place)
        #expect(Self.code(of: body) == .malformedFrame)
    }
}
