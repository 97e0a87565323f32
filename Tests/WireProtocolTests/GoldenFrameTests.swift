import FeatureModel
import NIOCore
import Testing
import WireProtocol

/// Each golden frame, both ways: its bytes decode to what its comment says, and that encodes to the same bytes.
@Suite struct GoldenFrameTests {
    private func check<M: WireMessage & Equatable>(
        _ name: String,
        _ message: M,
        request: UInt32,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let bytes = try GoldenFrame.load(name)
        #expect(try frame(name, M.type, request: request, location).body.readableBytes == bytes.readableBytes - 12)
        #expect(try M(body: frame(name, M.type, request: request).body) == message, sourceLocation: location)
        var written = ByteBuffer()
        try message.writeFrame(requestID: request, into: &written)
        #expect(written == bytes, sourceLocation: location)
    }

    private func frame(
        _ name: String,
        _ type: MessageType,
        request: UInt32,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Frame {
        var bytes = try GoldenFrame.load(name)
        var decoder = FrameDecoder()
        let frame = try #require(try decoder.next(from: &bytes), sourceLocation: location)
        #expect(frame.type == type && frame.requestID == request && bytes.readableBytes == 0, sourceLocation: location)
        return frame
    }

    @Test func greeting() throws {
        try check("hello", GoldenMessages.hello, request: 1)
        try check("hello_anonymous", GoldenMessages.helloAnonymous, request: 1)
        try check("welcome", GoldenMessages.welcome, request: 1)
        try check("hello_options", GoldenMessages.helloOptions, request: 1)
        try check("welcome_options", GoldenMessages.welcomeOptions, request: 1)
    }

    @Test func errors() throws {
        try check("error", GoldenMessages.error, request: 7)
        try check("error_overloaded", GoldenMessages.errorOverloaded, request: 8)
        try check("error_deadline", GoldenMessages.errorDeadline, request: 8)
    }

    @Test func preparing() throws {
        try check("prepare_service", GoldenMessages.prepareService, request: 2)
        try check("prepare_references", GoldenMessages.prepareReferences, request: 3)
        try check("prepared", GoldenMessages.prepared, request: 2)
        try check("prepared_nested", GoldenMessages.preparedNested, request: 2)
        try check("prepared_request", GoldenMessages.preparedRequest, request: 2)
    }

    @Test func requests() throws {
        try check("lookup", GoldenMessages.lookup, request: 4)
        try check("lookup_now", GoldenMessages.lookupNow, request: 5)
        try check("rows", GoldenMessages.rows, request: 6)
        try check("rows_row_time", GoldenMessages.rowsRowTime, request: 6)
        try check("rows_event_times", GoldenMessages.rowsEventTimes, request: 6)
        try check("lookup_request", GoldenMessages.lookupRequest, request: 4)
        try check("rows_request", GoldenMessages.rowsRequest, request: 6)
        try check("lookup_deadline", GoldenMessages.lookupDeadline, request: 5)
        try check("rows_request_deadline", GoldenMessages.rowsRequestDeadline, request: 6)
        try check("admin", GoldenMessages.admin, request: 9)
        try check("admin_reply", GoldenMessages.adminReply, request: 9)
        try check("ping", Ping(), request: .max)
        try check("pong", Pong(), request: .max)
    }

    @Test func historyPages() throws {
        try check("history_page", GoldenMessages.historyPage, request: 10)
        try check("history_page_place", GoldenMessages.historyPagePlace, request: 11)
        try check("history_page_reply", GoldenMessages.historyPageReply, request: 11)
        try check("history_page_reply_empty", GoldenMessages.historyPageReplyEmpty, request: 10)
    }

    @Test func lookupView() throws {
        let frame = try frame("lookup", .lookup, request: 4)
        try frame.body.withUnsafeReadableBytes { bytes in
            let view = try LookupRequestView(bytes, limits: .standard)
            #expect(view.lookupID == 5 && view.boundary == .inclusive && view.wantsEventTimes)
            #expect(view.asOf == GoldenMessages.time && view.knownAt == GoldenMessages.known)
            let keys = try view.keys(joinKeys: GoldenMessages.joinKeys)
            #expect(keys.count == 2 && keys.map { Array($0) } == GoldenMessages.keys)
        }
    }

    @Test func rowsView() throws {
        let frame = try frame("rows", .rows, request: 6)
        try frame.body.withUnsafeReadableBytes { bytes in
            let view = try RowsRequestView(bytes, limits: .standard)
            #expect(view.asOf(0) == GoldenMessages.time && view.asOf(1).microseconds == 0)
            #expect(try view.keys(joinKeys: GoldenMessages.joinKeys).map { Array($0) } == GoldenMessages.keys)
        }
    }

    @Test(arguments: [false, true]) func values(eventTimes: Bool) throws {
        try checkValues(
            eventTimes ? "values_event_times" : "values",
            GoldenMessages.values(eventTimes: eventTimes),
            GoldenMessages.types
        )
    }

    @Test func columns() throws {
        try checkColumns("columns", GoldenMessages.columns, GoldenMessages.types)
        try checkColumns("columns_event_times", GoldenMessages.columnsEventTimes, GoldenMessages.types)
    }

    @Test func listsAndMaps() throws {
        try checkValues("values_nested", GoldenMessages.valuesNested, GoldenMessages.nestedTypes)
        try checkColumns("columns_nested", GoldenMessages.columnsNested, GoldenMessages.nestedTypes)
    }

    private func checkValues(_ name: String, _ expected: ValuesReply, _ types: [FeatureType]) throws {
        #expect(try ValuesReply(body: frame(name, .values, request: 4).body, types: types) == expected)

        let layout = FeatureLayout(types: types)
        var written = ByteBuffer()
        let open = FrameWriter.beginFrame(.values, requestID: 4, into: &written)
        ValuesHeader(
            asOf: expected.asOf,
            knownAt: expected.knownAt,
            count: expected.rows.count,
            features: types.count,
            eventTimes: expected.hasEventTimes
        ).write(into: &written)
        for row in expected.rows {
            let isWritten = TestCells(row).withView(eventTimes: expected.hasEventTimes) {
                written.writeValuesRow($0, layout: layout, byteCountMax: 4096)
            }
            #expect(isWritten)
        }
        try FrameWriter.endFrame(open, in: &written, frameSizeMax: 4096)
        #expect(try written == GoldenFrame.load(name))
    }

    private func checkColumns(_ name: String, _ expected: ColumnsReply, _ types: [FeatureType]) throws {
        let hasTimes = expected.columns[0].eventTimes != nil
        let body = try frame(name, .columns, request: 6).body
        #expect(try ColumnsReply(body: body, types: types, eventTimes: hasTimes) == expected)
        // With times that are not there, or not expected, the bytes do not fit.
        #expect(throws: WireError.self) { try ColumnsReply(body: body, types: types, eventTimes: !hasTimes) }

        var written = ByteBuffer()
        let open = FrameWriter.beginFrame(.columns, requestID: 6, into: &written)
        ColumnsHeader(knownAt: expected.knownAt, count: 2, features: types.count).write(into: &written)
        for (column, type) in zip(expected.columns, types) {
            let cells = (0..<2).map { row in
                FeatureCell(
                    status: column.statuses[row].status ?? .present,
                    value: column[row],
                    eventTime: column.eventTimes.flatMap { $0[row] == .min ? nil : Instant(microseconds: $0[row]) }
                )
            }
            TestCells(cells).withView(eventTimes: hasTimes) { written.writeColumn($0, count: 2, type: type) }
        }
        try FrameWriter.endFrame(open, in: &written, frameSizeMax: 4096)
        #expect(try written == GoldenFrame.load(name))
    }
}
