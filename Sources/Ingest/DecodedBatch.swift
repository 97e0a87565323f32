import FeatureHistory
import FeatureModel
import KafkaLog

/// The rows of one batch of the consumer, decoded and not yet committed.
///
/// `@unchecked Sendable`: handed from the consumer thread to the commit thread, and never used by both.
final class DecodedBatch: @unchecked Sendable {
    /// The records' bytes, of which rejected ones are copied for their dead letters.
    var messages: MessageBatch
    let rows: RowSet
    /// The records of the batch by stream, accepted or not.
    let ranges: [StreamRange]
    let recordCount: UInt64

    init(_ messages: consuming MessageBatch, rows: RowSet, ranges: [StreamRange], recordCount: UInt64) {
        self.messages = messages
        self.rows = rows
        self.ranges = ranges
        self.recordCount = recordCount
    }
}

/// Room for one batch's rows: an intake for each assigned source. Reused from batch to batch.
///
/// `@unchecked Sendable`: goes with the batch that it is used for.
final class RowSet: @unchecked Sendable {
    struct Rows {
        let intake: RecordIntake
        /// Partitions whose first consumed offset was not 0.
        let beganLate: Set<Int32>
    }

    let sources: [Rows]

    init(_ assigned: [AssignedSource]) throws(IngestError) {
        var sources: [Rows] = []
        for source in assigned {
            guard let intake = RecordIntake(decoding: source.plan) else {
                throw IngestError(halt: "source '\(source.source.name)' has more than 128 fields")
            }
            sources.append(Rows(intake: intake, beganLate: source.beganLate))
        }
        self.sources = sources
    }
}
