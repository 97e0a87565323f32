import FeatureHistory
import FeatureModel
import NIOCore
import Windowing
import WireProtocol

/// Answers LOOKUP: every entity at the same (T, K).
struct LookupResponder {
    let store: FeatureStore
    let limits: WireLimits

    /// Writes VALUES when every entity is in memory. Takes no disk read and no lock longer than one entity's evaluation.
    ///
    /// - Parameter waits: false for an event loop: then it does not wait for a commit that is busy with an entity's shard.
    /// - Returns: false, with nothing written, when some entity is not in memory, or it would have to wait.
    func respondFromMemory(
        _ request: LookupRequestView,
        _ lookup: PreparedLookup,
        _ requestID: UInt32,
        _ scratch: ReadScratch,
        waits: Bool,
        into buffer: inout ByteBuffer
    ) throws(WireError) -> Bool {
        try respond(request, lookup, requestID, scratch, warms: !waits, into: &buffer) {
            key,
            row,
            point throws(WireError) in
            store.readResident(
                lookup.plan,
                key: key,
                at: point,
                scratch,
                row: row,
                wantsEventTimes: request.wantsEventTimes,
                waits: waits
            )
        }
    }

    /// Writes VALUES, reading from disk what is not in memory; blocking.
    func respond(
        _ request: LookupRequestView,
        _ lookup: PreparedLookup,
        _ requestID: UInt32,
        _ scratch: ReadScratch,
        into buffer: inout ByteBuffer
    ) throws(WireError) {
        _ = try respond(request, lookup, requestID, scratch, warms: false, into: &buffer) {
            key,
            row,
            point throws(WireError) in
            do throws(StoreError) { try store.read(lookup.plan, key: key, at: point, scratch, row: row) } catch {
                throw WireError(.storeFailed, error.description)
            }
            return true
        }
    }

    @inline(__always)
    private func respond(
        _ request: LookupRequestView,
        _ lookup: PreparedLookup,
        _ requestID: UInt32,
        _ scratch: ReadScratch,
        warms: Bool,
        into buffer: inout ByteBuffer,
        _ read: (UnsafeRawBufferPointer, _ row: Int, ReadPoint) throws(WireError) -> Bool
    ) throws(WireError) -> Bool {
        // K first, then T: the commit that is newest now has arrived by T, whatever happens between.
        let point = store.readPoint(asOf: request.asOf, knownAt: request.knownAt, boundary: request.boundary)
        let keys = try request.keys(joinKeys: lookup.joinKeyTypes)
        try request.requestValues(lookup.plan.request, into: &scratch.request)
        let frameEndMax = buffer.writerIndex + 4 + limits.frameSizeMax
        let frame = FrameWriter.beginFrame(.values, requestID: requestID, into: &buffer)
        ValuesHeader(
            asOf: point.asOf,
            knownAt: point.knownAt,
            count: request.count,
            features: lookup.layout.types.count,
            eventTimes: request.wantsEventTimes
        ).write(into: &buffer)
        let rowByteCountMax = lookup.layout.rowByteCountMax(eventTimes: request.wantsEventTimes)
        buffer.reserveCapacity(minimumWritableBytes: min(request.count * rowByteCountMax, limits.frameSizeMax))
        var row = -1
        var ahead = keys.makeIterator()
        for key in keys {
            row += 1
            if warms, row % FeatureStore.warmCount == 0, request.count > 1 {
                store.warm(lookup.plan, count: request.count - row, scratch) { ahead.next() }
            }
            let isRead: Bool
            do throws(WireError) { isRead = try read(key, row, point) } catch {
                FrameWriter.cancelFrame(frame, in: &buffer)
                throw error
            }
            guard isRead else {
                FrameWriter.cancelFrame(frame, in: &buffer)
                return false
            }
            let room = frameEndMax - buffer.writerIndex
            let isWritten = scratch.withView(eventTimes: request.wantsEventTimes) {
                room >= 0 && !scratch.cells.isTooLong
                    && buffer.writeValuesRow($0, layout: lookup.layout, byteCountMax: room)
            }
            guard isWritten else {
                FrameWriter.cancelFrame(frame, in: &buffer)
                throw .replyTooLarge(limits)
            }
        }
        try FrameWriter.endFrame(frame, in: &buffer, frameSizeMax: limits.frameSizeMax)
        return true
    }
}

extension WireError {
    /// Said as soon as it is known, so that a reply that cannot be sent is not computed to its end.
    static func replyTooLarge(_ limits: WireLimits) -> WireError {
        WireError(
            .tooMany,
            "the reply is beyond the frame limit of \(limits.frameSizeMax) bytes; ask for fewer at once"
        )
    }
}

extension ReadScratch {
    @inline(__always)
    func withView(eventTimes: Bool, _ body: (FeatureCellsView) -> Bool) -> Bool {
        cells.strings.withUnsafeBytes { strings in
            body(
                FeatureCellsView(
                    statuses: cells.statuses,
                    slots: cells.slots,
                    eventTimes: eventTimes ? UnsafePointer(cells.eventTimes) : nil,
                    strings: strings
                )
            )
        }
    }
}
