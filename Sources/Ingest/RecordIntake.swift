// From records to a commit's columns, for one source.
//
//   record --> JSONRecordDecoder --> slots --> event time, keys --> EventBatch per history
//                    |                              |
//                    +--> rejected <----------------+     and, at the commit, event times against the arrival
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
    private let decoder: JSONRecordDecoder
    /// One batch a target, row for row of the same records.
    let batches: [EventBatch]
    private let expressions: EventExpressions
    /// For each row, the record's number in the consumer's batch.
    private var records: [Int] = []
    private(set) var rejections: [Rejection] = []
    private(set) var tombstones: UInt64 = 0
    private var key: [UInt8] = []

    /// Event times that ISO 8601 can write: years 1 to 9999.
    static let eventTimes: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    init?(_ plan: SourcePlan) {
        guard let decoder = JSONRecordDecoder(fields: plan.fields) else { return nil }
        self.plan = plan
        self.decoder = decoder
        batches = plan.targets.map { EventBatch(types: $0.history.types, capacity: 1024) }
        expressions = EventExpressions(plan)
    }

    var acceptedCount: Int { records.count }

    func removeAll() {
        for batch in batches { batch.removeAll() }
        expressions.inputs.removeAll()
        records.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
        tombstones = 0
    }

    /// Takes in one record: decodes it into a row of every batch, or notes why not.
    ///
    /// - Parameter number: the record's number in the consumer's batch, to find its bytes again should it be rejected.
    func add(_ record: LogRecord, number: Int) {
        guard let value = record.value else {
            // A deletion means nothing to aggregates over events; counted, never a dead letter.
            tombstones += 1
            return
        }
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
        guard let time = eventTime(number) else { return }
        let stream = StreamID(
            source: plan.record.ordinal,
            incarnation: plan.record.incarnation,
            partition: record.partition
        )
        for (target, batch) in zip(plan.targets, batches) {
            guard append(target, to: batch, time: time, stream: stream, offset: record.offset, number: number) else {
                // The record is one event or none: take back what its earlier targets got.
                for batch in batches { batch.truncate(to: records.count) }
                return
            }
        }
        guard appendInputs(number) else {
            for batch in batches { batch.truncate(to: records.count) }
            return expressions.inputs.truncate(to: records.count)
        }
        records.append(number)
    }

    private func eventTime(_ number: Int) -> Int64? {
        let field = plan.timestampField
        let name = plan.fields[field].name
        guard !decoder.isNull(field) else {
            reject(number, .missingTimestamp, "field '\(name)' is absent or null")
            return nil
        }
        guard let time = microseconds(field), Self.eventTimes.contains(time) else {
            reject(
                number,
                .badTimestamp,
                "field '\(name)' is not a time in the format \(plan.source.timestampFormat.rawValue), years 1 to 9999"
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
        key.removeAll(keepingCapacity: true)
        for field in target.keyFields {
            guard !decoder.isNull(field) else {
                reject(number, .missingKey, "join key '\(plan.fields[field].name)' is absent or null")
                return false
            }
            let slot = decoder.slots[field]
            if plan.fields[field].kind == .value(.int64) {
                EntityKey.append(Int64(bitPattern: slot), to: &key)
            } else if !EntityKey.append(decoder.text(slot), to: &key) {
                key = [UInt8](repeating: 0, count: EntityKey.byteCountMax + 1)
            }
        }
        guard key.count <= EntityKey.byteCountMax else {
            reject(number, .keyTooLong, "the entity key is longer than \(EntityKey.byteCountMax) bytes")
            return false
        }
        let row = batch.appendRows(1)
        batch.times[row] = time
        batch.arrivals[row] = 0
        batch.streams[row] = stream.rawValue
        batch.offsets[row] = offset
        batch.keys[row] = UInt64(batch.keyBytes.count) << 32 | UInt64(key.count)
        batch.keyBytes.append(contentsOf: key)
        var nulls: UInt64 = 0
        for (column, origin) in target.columns.enumerated() {
            // An expression's column is filled for all rows of the commit together.
            if case .field(let field) = origin {
                guard copy(field, to: batch, column, row, &nulls, number: number) else { return false }
            } else {
                batch.column(column)[row] = 0
                nulls |= 1 << UInt64(column)
            }
        }
        batch.nulls[row] = nulls
        return true
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
                    "field '\(plan.fields[field].name)' is not a time in the format \(plan.source.timestampFormat.rawValue)"
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
            }
        }
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
        for row in 0..<records.count where isKept(row) {
            if kept != row {
                for batch in batches { batch.move(row, to: kept) }
                records[kept] = records[row]
            }
            kept += 1
        }
        for batch in batches { batch.truncate(to: kept) }
        records.removeLast(records.count - kept)
    }

    private func reject(_ number: Int, _ reason: RejectionReason, _ message: String) {
        rejections.append(Rejection(record: number, reason: reason, message: message))
    }

    private func reject(_ number: Int, _ failure: JSONRecordDecoder.Failure) {
        switch failure {
        case .badJSON(let detail): reject(number, .badJSON, detail)
        case .badTime(let field):
            reject(
                number,
                .badTimestamp,
                "field '\(plan.fields[field].name)' is not \(plan.fields[field].expectation), years 1 to 9999"
            )
        case .nonFinite(let field):
            reject(number, .nonFinite, "field '\(plan.fields[field].name)' is not a finite number")
        case .wrongType(let field):
            reject(number, .wrongType, "field '\(plan.fields[field].name)' is not \(plan.fields[field].expectation)")
        }
    }

    /// Decides the rows by their distance from the arrival: those beyond `max_future`, or older than `history` reaches,
    /// are taken out and rejected. Called inside the commit.
    func decide(arrival: Instant) {
        let latest = arrival.advanced(by: plan.source.maxFuture).microseconds
        // What lies before the horizon may be gone already: an event there would come too late for `lifetime`.
        let kept = plan.historyMax.map { arrival.advanced(by: -$0).microseconds } ?? .min
        let earliest = max(kept, plan.record.horizon.microseconds)
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

extension DecodedField {
    /// What a value of this field must be, for messages.
    fileprivate var expectation: String {
        switch kind {
        case .value(.int64): "an integer of 64 bits"
        case .value(.float64): "a number"
        case .value(.string): "a string"
        case .value(.bool): "true or false"
        case .value(.timestamp): "a time"
        case .time(let format): "a time in the format \(format.rawValue)"
        }
    }
}
