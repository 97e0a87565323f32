// From records of a log to rows, for one source.
//
//   record --> JSONRecordDecoder --> DecodedRow --> RowIntake
//                    |
//                    +--> rejected, or a delete: `RecordIntake+Tombstones.swift`

import FeatureHistory
import FeatureModel

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
final class RecordIntake: RowIntake {
    let decoder: JSONRecordDecoder
    /// nil where no delete names its entity by the record key.
    let recordKey: RecordKeyReader?
    /// Records without a value that are no deletes.
    var skippedNulls: UInt64 = 0

    /// - Returns: nil for more fields than a decoder takes.
    init?(decoding plan: SourcePlan) {
        guard let decoder = JSONRecordDecoder(fields: plan.fields) else { return nil }
        let isKeyed = plan.source.hasTombstones
        let recordKey = isKeyed ? RecordKeyReader(plan) : nil
        guard isKeyed == (recordKey != nil) else { return nil }
        self.decoder = decoder
        self.recordKey = recordKey
        super.init(plan)
    }

    override func removeAll() {
        super.removeAll()
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
        append(decoder.row, stream: plan.stream(record.partition), offset: record.offset, number: number)
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
}
