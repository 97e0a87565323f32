// From decoded rows to a commit's columns, for one source. Where rows come from makes no difference here.
//
//   JSONRecordDecoder --\
//                        > DecodedRow --> event time, keys --> EventBatch per history
//   ColumnRows ---------/      |               |
//                              +--> rejected <-+     and, at the commit, event times against the arrival
//
// Everything but the comparison with the arrival happens before the commit; that last step happens inside it, since only
// then is the arrival known.

import Expressions
import FeatureHistory
import FeatureModel
import Windowing

/// One decoded row: a slot a field, and which of them are null. It borrows what it points to: for the call only.
struct DecodedRow {
    let slots: UnsafePointer<UInt64>
    /// A bit a field.
    let nulls: (UInt64, UInt64)
    /// Strings stand here: a slot is offset << 32 | length.
    let strings: UnsafeRawPointer

    @inline(__always)
    func isNull(_ field: Int) -> Bool {
        (field < 64 ? nulls.0 >> UInt64(field) : nulls.1 >> UInt64(field - 64)) & 1 != 0
    }

    /// The bytes of a string slot.
    @inline(__always)
    func text(_ slot: UInt64) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: strings + Int(slot >> 32), count: Int(slot & 0xffff_ffff))
    }
}

/// Collects the rows of one source between two commits. For one thread at a time.
class RowIntake {
    /// A record that was not accepted: its number in its batch, and why.
    struct Rejection {
        var record: Int
        var reason: RejectionReason
        var message: String
    }

    let plan: SourcePlan
    /// One batch a target, row for row of the same records.
    let batches: [EventBatch]
    let expressions: EventExpressions
    /// For each row, the record's number in its batch.
    var records: [Int] = []
    private(set) var rejections: [Rejection] = []
    /// The rows that are tombstones, ascending.
    var tombstones: [Int] = []
    /// The entity key that was made last.
    var key = KeyBuffer()
    private let layout: IntakeLayout
    // Lent by the layout; taken from it row by row it would be retained row by row.
    private let forms: UnsafeBufferPointer<FieldForm>
    private let targets: UnsafeBufferPointer<TargetLayout>
    private let inputs: UnsafeBufferPointer<ColumnOrigin>
    /// There may be some though no field is read: `1`, `true`.
    private let hasExpressions: Bool

    /// Event times that ISO 8601 can write: years 1 to 9999.
    static let eventTimes: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    /// - Parameter capacity: for how many rows there is room from the start.
    init(_ plan: SourcePlan, capacity: Int = 1024) {
        self.plan = plan
        batches = plan.targets.map { EventBatch(types: $0.history.types, capacity: capacity) }
        expressions = EventExpressions(plan)
        hasExpressions = !plan.expressions.isEmpty
        layout = IntakeLayout(plan, batches)
        (forms, targets, inputs) = (layout.forms, layout.targets, layout.inputs)
        records.reserveCapacity(capacity)
    }

    deinit { key.free() }

    var acceptedCount: Int { records.count }

    func removeAll() {
        for batch in batches { batch.removeAll() }
        expressions.inputs.removeAll()
        records.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
        tombstones.removeAll(keepingCapacity: true)
    }

    /// Takes in one decoded row: a row of every batch, or none and the reason.
    ///
    /// - Parameters:
    ///   - stream: with `offset` the row's position.
    ///   - number: the record's number in its batch, to find it again should it be rejected.
    final func append(_ decoded: DecodedRow, stream: StreamID, offset: Int64, number: Int) {
        guard let time = eventTime(plan.timestampField, decoded, number) else { return }
        for target in targets {
            guard append(decoded, to: target, time: time, stream: stream, offset: offset, number: number) else {
                return takeBack()
            }
        }
        guard appendInputs(decoded, number) else { return takeBack() }
        records.append(number)
    }

    /// The record is one event or none: takes back what earlier targets got of the one that was not accepted.
    final func takeBack() {
        for batch in batches { batch.truncate(to: records.count) }
        if hasExpressions { expressions.inputs.truncate(to: records.count) }
    }

    @inline(__always)
    final func eventTime(_ field: Int, _ decoded: DecodedRow, _ number: Int) -> Int64? {
        guard !decoded.isNull(field) else {
            reject(number, .missingTimestamp, "field '\(plan.path(field))' is absent or null")
            return nil
        }
        guard let time = microseconds(field, decoded), Self.eventTimes.contains(time) else {
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
    private func microseconds(_ field: Int, _ decoded: DecodedRow) -> Int64? {
        let slot = decoded.slots[field]
        guard forms[field].content == .textTime else { return Int64(bitPattern: slot) }
        return Instant(iso8601: decoded.text(slot))?.microseconds
    }

    @inline(__always)
    private func append(
        _ decoded: DecodedRow,
        to target: TargetLayout,
        time: Int64,
        stream: StreamID,
        offset: Int64,
        number: Int
    ) -> Bool {
        guard setKey(target.keyFields, decoded, number: number) else { return false }
        // Without a count of references, row by row.
        return target.batch._withUnsafeGuaranteedRef { batch in
            let row = appendRow(to: batch, time: time, stream: stream, offset: offset)
            return fill(row, of: batch, target.columns, decoded, number)
        }
    }

    /// Makes the entity key of decoded fields.
    @inline(__always)
    final func setKey(_ fields: UnsafeBufferPointer<Int>, _ decoded: DecodedRow, number: Int) -> Bool {
        key.removeAll()
        for field in fields {
            guard !decoded.isNull(field) else {
                reject(number, .missingKey, "join key '\(plan.path(field))' is absent or null")
                return false
            }
            key.append(field, forms[field], decoded)
        }
        return isKeyShortEnough(number)
    }

    @inline(__always)
    final func isKeyShortEnough(_ number: Int) -> Bool {
        if !key.isTooLong { return true }
        reject(number, .keyTooLong, "the entity key is longer than \(EntityKey.byteCountMax) bytes")
        return false
    }

    /// A row with the key that was made last; the caller fills its columns and null word.
    @inline(__always)
    final func appendRow(to batch: EventBatch, time: Int64, stream: StreamID, offset: Int64) -> Int {
        batch.appendRow(EventOrder(time: time, stream: stream.rawValue, offset: offset), key: key.bytes)
    }

    /// Keeps the fields that expressions read.
    @inline(__always)
    private func appendInputs(_ decoded: DecodedRow, _ number: Int) -> Bool {
        guard hasExpressions else { return true }
        return fill(expressions.inputs.appendRows(1), of: expressions.inputs, inputs, decoded, number)
    }

    /// Fills a row's columns and null word; false when it is rejected after all.
    @inline(__always)
    private func fill(
        _ row: Int,
        of batch: EventBatch,
        _ columns: UnsafeBufferPointer<ColumnOrigin>,
        _ decoded: DecodedRow,
        _ number: Int
    ) -> Bool {
        let (cells, stride, nullWord) = batch.cells(of: row)
        var nulls: UInt64 = 0
        for column in columns.indices {
            var slot: UInt64 = 0
            switch columns[column] {
            case .field(let field) where !decoded.isNull(field):
                slot = decoded.slots[field]
                switch forms[field].content {
                case .number, .time: break
                case .text: slot = batch.store(decoded.text(slot))
                case .textTime:
                    guard let time = microseconds(field, decoded) else {
                        reject(
                            number,
                            .badTimestamp,
                            "field '\(plan.path(field))' is not \(plan.fields[field].expectation)"
                        )
                        return false
                    }
                    slot = UInt64(bitPattern: time)
                }
            case .live: slot = 1
            // An expression's column is filled for all rows of the commit together.
            case .field, .expression, .absent: nulls |= 1 << UInt64(column)
            }
            cells[column * stride] = slot
        }
        nullWord.pointee = nulls
        return true
    }

    /// Computes derived columns and filters of all rows; rows with a value that does not fit are taken out and rejected.
    /// Called once, before the commit.
    final func computeExpressions() {
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

    final func reject(_ number: Int, _ reason: RejectionReason, _ message: String) {
        rejections.append(Rejection(record: number, reason: reason, message: message))
    }

    /// Decides the rows by their distance from the arrival: those beyond `max_future`, or older than `history` reaches,
    /// are taken out and rejected. Called inside the commit.
    ///
    /// - Parameter horizon: the source's, as it is at the commit.
    final func decide(arrival: Instant, horizon: Instant) {
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
