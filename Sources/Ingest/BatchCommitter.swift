import FeatureHistory
import FeatureModel
import KafkaLog
import Windowing

/// Turns one decoded batch into one commit, on the commit thread.
struct BatchCommitter: Sendable {
    let store: FeatureStore
    /// The definitions that the sources were compiled from.
    let definitionHash: String

    struct Result: Sendable {
        var records: UInt64 = 0
        var events: UInt64 = 0
        var deadLetters: UInt64 = 0
        /// What is in the store now.
        var ranges: [StreamRange] = []
        /// Other definitions are in force by now: nothing was committed, and the records are to be read again by them.
        var isStale = false
    }

    func commit(_ batch: DecodedBatch) throws(IngestError) -> Result {
        var result = Result()
        do throws(StoreError) {
            try store.commit { arrival throws(StoreError) in
                var commit = Commit()
                // An apply excludes this commit, so what it added cannot be missing in an event that follows it.
                guard store.catalog.definitionHash == definitionHash else {
                    result.isStale = true
                    return commit
                }
                commit.ranges = batch.ranges
                commit.offsets = batch.ranges.map { StreamOffset(stream: $0.stream, next: $0.last + 1) }
                for source in batch.rows.sources {
                    add(source, arrival: arrival, &batch.messages, to: &commit, &result)
                }
                return commit
            }
        } catch { throw IngestError(error) }
        if !result.isStale {
            result.records = batch.recordCount
            result.ranges = batch.ranges
        }
        return result
    }

    private func add(
        _ source: RowSet.Rows,
        arrival: Instant,
        _ batch: inout MessageBatch,
        to commit: inout Commit,
        _ result: inout Result
    ) {
        let intake = source.intake
        let name = intake.plan.source.name
        intake.decide(arrival: arrival, horizon: store.catalog.sources[name]?.horizon ?? .distantPast)
        if intake.acceptedCount > 0 {
            for (target, events) in zip(intake.plan.targets, intake.batches) {
                commit.batches.append((target.history.id, events))
            }
            commit.counters["events/\(name)", default: 0] += UInt64(intake.acceptedCount)
            if !intake.plan.record.isAvailabilityDecided, let from = availableFrom(source) {
                commit.availability.append((name, from))
            }
        }
        if !intake.tombstones.isEmpty {
            commit.counters["tombstones/\(name)", default: 0] += UInt64(intake.tombstones.count)
        }
        if intake.skippedNulls > 0 { commit.counters["skipped_nulls/\(name)", default: 0] += intake.skippedNulls }
        for rejection in intake.rejections {
            commit.deadLetters.append(deadLetter(rejection, intake.plan.source, &batch))
            commit.counters["dead_letters/\(name)/\(rejection.reason.rawValue)", default: 0] += 1
        }
        result.events += UInt64(intake.acceptedCount)
        result.deadLetters += UInt64(intake.rejections.count)
    }

    /// Complete from the start when every partition began at offset 0; else from the latest of the first event times of
    /// the partitions that did not.
    private func availableFrom(_ source: RowSet.Rows) -> Instant? {
        guard !source.beganLate.isEmpty else { return .distantPast }
        guard let events = source.intake.batches.first else { return nil }
        var first: [Int32: Int64] = [:]
        for row in 0..<events.count {
            let partition = StreamID(rawValue: events.streams[row]).partition
            if first[partition] == nil { first[partition] = events.times[row] }
        }
        let late = first.filter { source.beganLate.contains($0.key) }
        return (late.values.max() ?? first.values.max()).map { Instant(microseconds: $0) }
    }

    private func deadLetter(
        _ rejection: RecordIntake.Rejection,
        _ source: Source,
        _ batch: inout MessageBatch
    ) -> DeadLetter {
        let message = batch[rejection.record]
        return DeadLetter(
            source: source.name,
            topic: source.topic,
            partition: message.partition,
            offset: message.offset,
            timestampMilliseconds: message.timestampMilliseconds,
            reason: rejection.reason.rawValue,
            message: rejection.message,
            key: message.key.map { Array($0) },
            value: message.value.map { Array($0) },
            headers: batch.headers(at: rejection.record).map { DeadLetter.Header(name: $0.name, value: $0.value) }
        )
    }
}
