// Deletes: records without a value, and an envelope's.
//
//   no value    key_format      --> a tombstone at the record's Kafka timestamp, of the entity that the record key names
//               an envelope     --> skipped: the delete came as a change event before it; this is for log compaction
//               neither         --> skipped, unless an attribute view would miss it: rejected then
//   op d                        --> a tombstone at the change's own time
//
// A tombstone is a row like any other: key, event time, position, and columns of which all are null but filters' marks.

import FeatureHistory
import FeatureModel
import Windowing

extension RecordIntake {
    func addNull(_ record: LogRecord, number: Int) {
        if plan.changes != nil {
            skippedNulls += 1
            return
        }
        guard plan.source.keyFormat != nil else {
            // A delete means nothing to aggregates over events.
            guard plan.hasAttributes else { return skippedNulls += 1 }
            return reject(
                number,
                .nullValue,
                "a record without a value deletes its entity, and source '\(plan.source.name)' does not say how the record key names it; "
                    + "state key_format (json, string or int64) in a source of a new name"
            )
        }
        guard record.timestampMilliseconds >= 0 else {
            return reject(
                number,
                .missingTimestamp,
                "a record without a value is dated by its Kafka timestamp, and has none"
            )
        }
        let (time, overflow) = record.timestampMilliseconds.multipliedReportingOverflow(by: 1000)
        guard !overflow, Self.eventTimes.contains(time) else {
            return reject(
                number,
                .badTimestamp,
                "the record's Kafka timestamp of \(record.timestampMilliseconds) ms lies outside the years 1 to 9999"
            )
        }
        addTombstone(record, time: time, isFormerRowKnown: false, number: number)
    }

    /// Adds the delete of an envelope, whose record is decoded.
    func addDelete(_ record: LogRecord, _ changes: ChangeFields, number: Int) {
        // Always the change's own time: the row as it was says when it was written, not when it was deleted.
        guard let time = eventTime(changes.time, decoder.row, number) else { return }
        let isKnown = plan.targets.allSatisfy { $0.formerKeyFields.allSatisfy { !decoder.isNull($0) } }
        addTombstone(record, time: time, isFormerRowKnown: isKnown, number: number)
    }

    private func addTombstone(_ record: LogRecord, time: Int64, isFormerRowKnown: Bool, number: Int) {
        if !isFormerRowKnown {
            guard let recordKey else { return }
            if let failure = recordKey.read(record.key) { return reject(number, failure.reason, failure.message) }
        }
        let stream = plan.stream(record.partition)
        for (target, batch) in zip(plan.targets, batches) {
            if isFormerRowKnown {
                let isMade = target.formerKeyFields.withUnsafeBufferPointer {
                    setKey($0, decoder.row, number: number)
                }
                guard isMade else { return takeBack() }
            } else {
                key.removeAll()
                recordKey?.write(target.recordKeys, to: &key)
                guard isKeyShortEnough(number) else { return takeBack() }
            }
            let row = appendRow(to: batch, time: time, stream: stream, offset: record.offset)
            appendNulls(to: batch, row)
        }
        if !plan.expressions.isEmpty {
            let row = expressions.inputs.appendRows(1)
            appendNulls(to: expressions.inputs, row)
        }
        tombstones.append(records.count)
        records.append(number)
    }

    private func appendNulls(to batch: EventBatch, _ row: Int) {
        for column in 0..<batch.columnCount { batch.column(column)[row] = 0 }
        batch.nulls[row] = batch.columnCount == 0 ? 0 : UInt64.max >> UInt64(64 - min(64, batch.columnCount))
    }
}

extension SourcePlan {
    func stream(_ partition: Int32) -> StreamID {
        StreamID(source: record.ordinal, incarnation: record.incarnation, partition: partition)
    }
}
