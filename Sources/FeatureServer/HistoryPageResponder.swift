import FeatureHistory
import FeatureModel
import FeatureRepository
import NIOCore
import Windowing
import WireProtocol

/// Answers HISTORY_PAGE: the events that a view counts, for exports. Blocking; runs on the pool.
struct HistoryPageResponder {
    let store: FeatureStore
    let limits: WireLimits

    /// Beyond it a page ends, but for its first row.
    private static let byteCountMax = 4 << 20
    /// Room for what stands before the rows: names and expressions of at most 64 columns.
    private static let headByteCountMax = 256 << 10

    func respond(
        _ request: HistoryPageRequest,
        _ requestID: UInt32,
        into buffer: inout ByteBuffer
    ) throws(WireError) {
        let knownAt = store.readPoint(asOf: nil, knownAt: request.knownAt, boundary: .strict).knownAt
        let room = max(1024, limits.frameSizeMax - Self.headByteCountMax)
        let page: ExportPage
        do throws(StoreError) {
            page = try store.exportPage(
                ofView: request.view,
                ExportInterval(start: request.start, end: request.end, knownAt: knownAt),
                after: request.place.map { place in
                    ExportPlace(
                        key: place.key,
                        order: EventOrder(time: place.time, stream: place.stream, offset: place.offset)
                    )
                },
                ExportLimits(rowsMax: request.rows, bytesMax: min(Self.byteCountMax, room), rowBytesMax: room)
            )
        } catch {
            switch error.code {
            case .unknownName: throw WireError(.unknownFeature, error.message)
            case .refused: throw WireError(.badRequest, error.message)
            default: throw WireError(.storeFailed, error.description)
            }
        }
        let reply = HistoryPageReply(page, knownAt: knownAt)
        buffer.reserveCapacity(minimumWritableBytes: page.events.count * 48 + 1024)
        try reply.writeFrame(requestID: requestID, frameSizeMax: limits.frameSizeMax, into: &buffer)
    }
}

extension HistoryPageReply {
    fileprivate init(_ page: ExportPage, knownAt: Instant) {
        let (view, events) = (page.view, page.events)
        let count = events.count
        func column<T>(_ values: UnsafeMutablePointer<T>) -> [T] {
            Array(UnsafeBufferPointer(start: values, count: count))
        }
        self.init(
            knownAt: knownAt,
            horizon: view.horizon,
            availableFrom: view.availableFrom,
            progress: UInt32(page.progress * 1_000_000),
            droppedEntities: UInt32(clamping: page.droppedEntities),
            droppedEvents: page.droppedEvents,
            schema: HistorySchemaMessage(view, page.catalog),
            place: page.next.map {
                HistoryPlace(key: $0.key, time: $0.order.time, stream: $0.order.stream, offset: $0.order.offset)
            },
            runs: page.runs.map { HistoryRun(key: $0.key, rows: $0.rows) },
            times: column(events.times),
            arrivals: column(events.arrivals),
            streams: column(events.streams),
            offsets: column(events.offsets),
            deleted: view.hasDeletes ? (0..<count).map { page.isDelete($0) ? 1 : 0 } : nil,
            columns: view.columns.map { HistoryPageColumn($0, page) }
        )
    }
}

extension HistoryPageColumn {
    fileprivate init(_ column: ExportedView.Column, _ page: ExportPage) {
        let (events, slots) = (page.events, page.slots(column))
        let rows = 0..<events.count
        let isValid = rows.map { page.isNull(column, $0) ? 0 : 1 as UInt8 }
        let values: HistoryValues
        switch column.type {
        case .int64: values = .int64(rows.map { isValid[$0] == 0 ? 0 : Int64(bitPattern: slots[$0]) })
        case .timestamp: values = .timestamp(rows.map { isValid[$0] == 0 ? 0 : Int64(bitPattern: slots[$0]) })
        case .float64: values = .float64(rows.map { isValid[$0] == 0 ? 0 : slots[$0] })
        case .bool: values = .bool(rows.map { isValid[$0] == 0 || slots[$0] == 0 ? 0 : 1 })
        case .string:
            var bytes: [UInt8] = []
            var lengths: [UInt32] = []
            lengths.reserveCapacity(rows.count)
            for row in rows {
                let string = isValid[row] == 0 ? [] : events.string(slots[row])
                lengths.append(UInt32(truncatingIfNeeded: string.count))
                bytes.append(contentsOf: string)
            }
            values = .string(lengths: lengths, bytes: bytes)
        }
        self.init(isValid: isValid, values: values)
    }
}

extension HistorySchemaMessage {
    fileprivate init(_ view: ExportedView, _ catalog: Catalog) {
        self.init(
            viewHash: definitionHash(ofView: view.name, in: catalog.definition) ?? "",
            source: view.history.source,
            filter: view.filter ?? "",
            eventID: view.eventID ?? "",
            joinKeys: view.history.joinKeys,
            columns: view.columns.map { Column(name: $0.name, stored: $0.stored, type: $0.type) }
        )
    }
}
