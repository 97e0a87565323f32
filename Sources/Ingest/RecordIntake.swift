// From records to a commit's columns, for one source.
//
//   record --> JSONRecordDecoder --> slots --> event time, keys --> EventBatch per history
//                    |                              |
//                    +--> rejected <----------------+     and, at the commit, event times against the arrival
//
// Deletes are in `RecordIntake+Tombstones.swift`.
//
// Everything but the comparison with the arrival happens before the commit; that last step happens inside it, since only
// then is the arrival known.

import Expressions
import FeatureHistory
import FeatureModel
import Windowing

/// A record as a log hands it over; the bytes are borrowed for the call.
struct LogRecord {
    var partition: Int32
    var offset: Int64
    var value: UnsafeRawBufferPointer?
    var key: UnsafeRawBufferPointer?
    /// The record's Kafka timestamp; -1 when it has none.
    var timestampMilliseconds: Int64 = -1
}

/// Collects the records of one source between two commits. For one thread at a time.
final class RecordIntake {
    /// A record that was not accepted: its number in the consumer's batch, and why.
    struct Rejection {
        var record: Int
        var reason: RejectionReason
        var message: String
    }

    let plan: SourcePlan
    let decoder: JSONRecordDecoder
    /// nil where no delete names its entity by the record key.
    let recordKey: RecordKeyReader?
    /// One batch a target, row for row of the same records.
    let batches: [EventBatch]
    let expressions: EventExpressions
    /// For each row, the record's number in the consumer's batch.
    var records: [Int] = []
    private(set) var rejections: [Rejection] = []
    /// The rows that are tombstones, ascending.
    var tombstones: [Int] = []
    /// Records without a value that are no deletes.
    var skippedNulls: UInt64 = 0
    var key: [UInt8] = []

    /// Event times that ISO 8601 can write: years 1 to 9999.
    static let eventTimes: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    init?(_ plan: SourcePlan) {
        guard let decoder = JSONRecordDecoder(fields: plan.fields) else { return nil }
        let isKeyed = plan.source.hasTombstones
        let recordKey = isKeyed ? RecordKeyReader(plan) : nil
        guard isKeyed == (recordKey != nil) else { return nil }
        self.plan = plan
        self.decoder = decoder
        self.recordKey = recordKey
        batches = plan.targets.map { EventBatch(types: $0.history.types, capacity: 1024) }
        expressions = EventExpressions(plan)
    }

    var acceptedCount: Int { records.count }

    func removeAll() {
        for batch in batches { batch.removeAll() }
        expressions.inputs.removeAll()
        records.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
        tombstones.removeAll(keepingCapacity: true)
        skippedNulls = 0
    }

    /// Takes in one record: decodes it into a row of every batch, or notes why not.
    ///
    /// - Parameter number: the record's number in the consumer's batch, to find its bytes again should it be rejected.
    func add(_ record: LogRecord, number: Int) {
        guard let value = record.value else { return addNull(record, number: number) }
        guard value.count <= plan.source.recordBytesMax else {
            return reject(
                number,
                .oversized,
                "the value has \(value.count) bytes; record_bytes_max is \(plan.source.recordBytesMax)"
            )
        }
        if value.count >= 5, value[0] == 0 {
            return reject(
                number,
                .schemaRegistryPrefix,
                "the value begins with a Schema Registry prefix; format json reads bare JSON"
            )
        }
        if let failure = decoder.decode(value) { return reject(number, failure) }
        if let changes = plan.changes {
            switch changes.change(in: decoder) {
            case .row: break
            case .delete: return addDelete(record, changes, number: number)
            case .refused(let message): return reject(number, .badEnvelope, message)
            }
        }
        guard let time = eventTime(plan.timestampField, number) else { return }
        let stream = plan.stream(record.partition)
        for (target, batch) in zip(plan.targets, batches) {
            guard append(target, to: batch, time: time, stream: stream, offset: record.offset, number: number) else {
                return takeBack()
            }
        }
        guard appendInputs(number) else { return takeBack() }
        records.append(number)
    }

    /// The record is one event or none: takes back what earlier targets got of the one that was not accepted.
    func takeBack() {
        for batch in batches { batch.truncate(to: records.count) }
        if !plan.expressions.isEmpty { expressions.inputs.truncate(to: records.count) }
    }

    @inline(__always)
    func eventTime(_ field: Int, _ number: Int) -> Int64? {
        guard !decoder.isNull(field) else {
            reject(number, .missingTimestamp, "field '\(plan.path(field))' is absent or null")
            return nil
        }
        guard let time = microseconds(field), Self.eventTimes.contains(time) else {
            reject(
                number,
                .badTimestamp,
                "field '\(plan.path(field))' is not \(plan.fields[field].expectation), years 1 to 9999"
            )
            return nil
        }
        return time
    }

    /// A time field's value; nil when it is text that is not ISO 8601.
    @inline(__always)
    private func microseconds(_ field: Int) -> Int64? {
        let slot = decoder.slots[field]
        guard plan.fields[field].isTextTime else { return Int64(bitPattern: slot) }
        return Instant(iso8601: decoder.text(slot))?.microseconds
    }

    private func append(
        _ target: SourcePlan.Target,
        to batch: EventBatch,
        time: Int64,
        stream: StreamID,
        offset: Int64,
        number: Int
    ) -> Bool {
        guard setKey(target.keyFields, number: number) else { return false }
        let row = appendRow(to: batch, time: time, stream: stream, offset: offset)
        var nulls: UInt64 = 0
        for (column, origin) in target.columns.enumerated() {
            switch origin {
            case .field(let field):
                guard copy(field, to: batch, column, row, &nulls, number: number) else { return false }
            case .live: batch.column(column)[row] = 1
            // An expression's column is filled for all rows of the commit together.
            case .expression, .absent:
                batch.column(column)[row] = 0
                nulls |= 1 << UInt64(column)
            }
        }
        batch.nulls[row] = nulls
        return true
    }

    /// Makes the entity key of decoded fields.
    @inline(__always)
    func setKey(_ fields: [Int], number: Int) -> Bool {
        key.removeAll(keepingCapacity: true)
        for field in fields {
            guard !decoder.isNull(field) else {
                reject(number, .missingKey, "join key '\(plan.path(field))' is absent or null")
                return false
            }
            decoder.append(field, toKey: &key)
        }
        return isKeyShortEnough(number)
    }

    @inline(__always)
    func isKeyShortEnough(_ number: Int) -> Bool {
        if key.count <= EntityKey.byteCountMax { return true }
        reject(number, .keyTooLong, "the entity key is longer than \(EntityKey.byteCountMax) bytes")
        return false
    }

    /// A row with the key that was made last; the caller fills its columns and null word.
    @inline(__always)
    func appendRow(to batch: EventBatch, time: Int64, stream: StreamID, offset: Int64) -> Int {
        let row = batch.appendRows(1)
        batch.times[row] = time
        batch.arrivals[row] = 0
        batch.streams[row] = stream.rawValue
        batch.offsets[row] = offset
        batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
        batch.keyBytes.append(contentsOf: key)
        return row
    }

    /// Keeps the fields that expressions read.
    private func appendInputs(_ number: Int) -> Bool {
        guard !plan.expressions.isEmpty else { return true }
        let row = expressions.inputs.appendRows(1)
        var nulls: UInt64 = 0
        for (column, field) in plan.expressionFields.enumerated() {
            guard copy(field, to: expressions.inputs, column, row, &nulls, number: number) else { return false }
        }
        expressions.inputs.nulls[row] = nulls
        return true
    }

    /// Puts a decoded field into a cell; false when it is rejected after all.
    @inline(__always)
    private func copy(
        _ field: Int,
        to batch: EventBatch,
        _ column: Int,
        _ row: Int,
        _ nulls: inout UInt64,
        number: Int
    ) -> Bool {
        guard !decoder.isNull(field) else {
            batch.column(column)[row] = 0
            nulls |= 1 << UInt64(column)
            return true
        }
        var slot = decoder.slots[field]
        switch plan.fields[field].kind {
        case .value(.string): slot = batch.store(decoder.text(slot))
        case .time:
            guard let time = microseconds(field) else {
                reject(
                    number,
                    .badTimestamp,
                    "field '\(plan.path(field))' is not \(plan.fields[field].expectation)"
                )
                return false
            }
            slot = UInt64(bitPattern: time)
        default: break
        }
        batch.column(column)[row] = slot
        return true
    }

    /// Computes derived columns and filters of all rows; rows with a value that does not fit are taken out and rejected.
    /// Called once, before the commit.
    func computeExpressions() {
        guard !plan.expressions.isEmpty, !records.isEmpty else { return }
        var overflows: [Int: Int] = [:]
        for (target, batch) in zip(plan.targets, batches) {
            for (column, origin) in target.columns.enumerated() {
                guard case .expression(let number) = origin else { continue }
                expressions.fill(column, of: batch, with: number) { row in
                    if overflows[row] == nil { overflows[row] = number }
                }
                if !tombstones.isEmpty { expressions.fillTombstones(tombstones, column, of: batch, with: number) }
            }
        }
        // Of a tombstone no expression has a value, and so none that does not fit.
        if !overflows.isEmpty { for row in tombstones { overflows[row] = nil } }
        guard !overflows.isEmpty else { return }
        keepRows { row in
            guard let number = overflows[row] else { return true }
            reject(
                records[row],
                .expressionOverflow,
                "the value of '\(plan.expressions[number].compiled.canonicalText)' does not fit its type"
            )
            return false
        }
    }

    /// Takes out the rows for which `isKept` says no.
    private func keepRows(_ isKept: (_ row: Int) -> Bool) {
        var kept = 0
        var (seen, keptTombstones) = (0, 0)
        for row in 0..<records.count {
            let isTombstone = seen < tombstones.count && tombstones[seen] == row
            if isTombstone { seen += 1 }
            guard isKept(row) else { continue }
            if isTombstone {
                tombstones[keptTombstones] = kept
                keptTombstones += 1
            }
            if kept != row {
                for batch in batches { batch.move(row, to: kept) }
                records[kept] = records[row]
            }
            kept += 1
        }
        for batch in batches { batch.truncate(to: kept) }
        records.removeLast(records.count - kept)
        tombstones.removeLast(tombstones.count - keptTombstones)
    }

    func reject(_ number: Int, _ reason: RejectionReason, _ message: String) {
        rejections.append(Rejection(record: number, reason: reason, message: message))
    }

    private func reject(_ number: Int, _ failure: JSONRecordDecoder.Failure) {
        switch failure {
        case .badJSON(let detail): reject(number, .badJSON, detail)
        case .badTime(let field):
            reject(
                number,
                .badTimestamp,
                "field '\(plan.path(field))' is not \(plan.fields[field].expectation), years 1 to 9999"
            )
        case .nonFinite(let field):
            reject(number, .nonFinite, "field '\(plan.path(field))' is not a finite number")
        case .wrongType(let field):
            reject(number, .wrongType, "field '\(plan.path(field))' is not \(plan.fields[field].expectation)")
        }
    }

    /// Decides the rows by their distance from the arrival: those beyond `max_future`, or older than `history` reaches,
    /// are taken out and rejected. Called inside the commit.
    ///
    /// - Parameter horizon: the source's, as it is at the commit.
    func decide(arrival: Instant, horizon: Instant) {
        let latest = arrival.advanced(by: plan.source.maxFuture).microseconds
        // What lies before the horizon may be gone already: an event there would come too late for `lifetime`.
        let kept = plan.historyMax.map { arrival.advanced(by: -$0).microseconds } ?? .min
        let earliest = max(kept, horizon.microseconds)
        guard let times = batches.first?.times,
            (0..<records.count).contains(where: { times[$0] > latest || times[$0] < earliest })
        else { return }
        keepRows { row in
            let time = times[row]
            if time > latest {
                reject(
                    records[row],
                    .tooFarInFuture,
                    "event time \(Instant(microseconds: time).iso8601) lies more than max_future after the arrival \(arrival.iso8601)"
                )
            } else if time < earliest {
                reject(
                    records[row],
                    .outsideHistory,
                    "event time \(Instant(microseconds: time).iso8601) lies before what history keeps at the arrival \(arrival.iso8601)"
                )
            }
            return time <= latest && time >= earliest
        }
    }
}
