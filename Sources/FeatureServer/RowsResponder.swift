import FeatureHistory
import FeatureModel
import NIOCore
import TrainingSets
import WireProtocol

/// Answers ROWS: point-in-time rows for training sets. Blocking; runs on the pool.
struct RowsResponder {
    let store: FeatureStore
    let limits: WireLimits

    func respond(
        _ request: RowsRequestView,
        _ lookup: PreparedLookup,
        _ requestID: UInt32,
        into buffer: inout ByteBuffer
    ) throws(WireError) {
        let knownAt = store.readPoint(asOf: nil, knownAt: request.knownAt, boundary: request.boundary).knownAt
        try lease(knownAt)
        var rows = LabelRows()
        rows.reserve(request.count)
        var row = 0
        for key in try request.keys(joinKeys: lookup.joinKeyTypes) {
            rows.append(key: key, asOf: request.asOf(row))
            row += 1
        }
        try request.requestValues(lookup.plan.request, into: &rows.request)
        let fixed = lookup.layout.types.reduce(FrameHeader.sizeMin + ColumnsHeader.byteCount) {
            $0
                + ColumnsHeader.columnByteCount(
                    type: $1,
                    count: rows.count,
                    eventTimes: request.wantsEventTimes
                )
        }
        guard fixed <= limits.frameSizeMax else { throw .replyTooLarge(limits) }
        let columns = try columns(for: rows, request, lookup, knownAt, byteCountMax: limits.frameSizeMax - fixed)
        // A long request outlives its lease.
        try lease(knownAt)
        let frame = FrameWriter.beginFrame(.columns, requestID: requestID, into: &buffer)
        ColumnsHeader(knownAt: knownAt, count: rows.count, features: columns.types.count).write(into: &buffer)
        for (feature, type) in columns.types.enumerated() {
            columns.withColumn(feature) { statuses, slots, eventTimes, strings in
                buffer.writeColumn(
                    FeatureCellsView(statuses: statuses, slots: slots, eventTimes: eventTimes, strings: strings),
                    count: rows.count,
                    type: type
                )
            }
        }
        try FrameWriter.endFrame(frame, in: &buffer, frameSizeMax: limits.frameSizeMax)
    }

    /// Holds history where it is for a minute from now on.
    private func lease(_ knownAt: Instant) throws(WireError) {
        do throws(StoreError) { try store.leaseHistory(knownAt: knownAt) } catch {
            throw WireError(.badRequest, error.message)
        }
    }

    private func columns(
        for rows: LabelRows,
        _ request: RowsRequestView,
        _ lookup: PreparedLookup,
        _ knownAt: Instant,
        byteCountMax: Int
    ) throws(WireError) -> JoinedColumns {
        let outcome: JoinOutcome
        do throws(StoreError) {
            outcome = try PointInTimeJoin(store: store, plan: lookup.plan).columns(
                for: rows,
                knownAt: knownAt,
                rowTime: request.rowTime,
                boundary: request.boundary,
                eventTimes: request.wantsEventTimes,
                byteCountMax: byteCountMax
            )
        } catch { throw WireError(.storeFailed, error.description) }
        switch outcome {
        case .columns(let columns): return columns
        case .tooLarge: throw .replyTooLarge(limits)
        case .cancelled: throw .stopping()
        }
    }
}
