import FeatureHistory
import FeatureModel
import KafkaLog
import Windowing

/// Turns one batch of the consumer into one commit.
struct BatchCommitter {
    let store: FeatureStore
    /// The sources that read each topic of the assignment.
    let byTopic: [[AssignedSource]]
    /// The definitions that the sources were compiled from.
    let definitionHash: String

    struct Result {
        var records: UInt64 = 0
        var events: UInt64 = 0
        var deadLetters: UInt64 = 0
        /// Partitions that stand still, each in a sentence.
        var problems: [String] = []
        /// Other definitions are in force by now: nothing was committed, and the records are to be read again by them.
        var isStale = false
    }

    func commit(_ batch: inout MessageBatch) throws(IngestError) -> Result {
        var result = Result()
        for sharers in byTopic { for source in sharers { source.intake.removeAll() } }
        var ranges: [StreamID: StreamRange] = [:]
        for number in 0..<batch.count {
            let message = batch[number]
            guard message.errorCode == 0 else {
                if let problem = note(message, batch.errorText(at: number)) { result.problems.append(problem) }
                continue
            }
            guard byTopic.indices.contains(message.topicIndex) else { continue }
            let record = LogRecord(
                partition: message.partition,
                offset: message.offset,
                value: message.value,
                key: message.key,
                timestampMilliseconds: message.timestampMilliseconds
            )
            for source in byTopic[message.topicIndex] {
                // Before this source's own offset: fetched for another source, or handed out twice.
                guard source.take(message.partition, message.offset, &ranges) else { continue }
                source.intake.add(record, number: number)
                result.records += 1
            }
        }
        for sharers in byTopic { for source in sharers { source.settle(&ranges) } }
        guard !ranges.isEmpty else { return result }
        for sharers in byTopic { for source in sharers { source.intake.computeExpressions() } }
        do throws(StoreError) {
            try store.commit { arrival throws(StoreError) in
                var commit = Commit()
                // An apply excludes this commit, so what it added cannot be missing in an event that follows it.
                guard store.catalog.definitionHash == definitionHash else {
                    result.isStale = true
                    return commit
                }
                commit.ranges = ranges.values.sorted { $0.stream.rawValue < $1.stream.rawValue }
                commit.offsets = commit.ranges.map { StreamOffset(stream: $0.stream, next: $0.last + 1) }
                for sharers in byTopic {
                    for source in sharers { add(source, arrival: arrival, &batch, to: &commit, &result) }
                }
                return commit
            }
        } catch { throw IngestError(error) }
        return result
    }

    private func add(
        _ source: AssignedSource,
        arrival: Instant,
        _ batch: inout MessageBatch,
        to commit: inout Commit,
        _ result: inout Result
    ) {
        let intake = source.intake
        let name = source.source.name
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
            commit.deadLetters.append(deadLetter(rejection, source.source, &batch))
            commit.counters["dead_letters/\(name)/\(rejection.reason.rawValue)", default: 0] += 1
        }
        result.events += UInt64(intake.acceptedCount)
        result.deadLetters += UInt64(intake.rejections.count)
    }

    /// Complete from the start when every partition began at offset 0; else from the latest of the first event times of
    /// the partitions that did not.
    private func availableFrom(_ source: AssignedSource) -> Instant? {
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

    /// An error in a record's place: its partition stands still until an operator decides.
    private func note(_ message: Message, _ text: String?) -> String? {
        guard byTopic.indices.contains(message.topicIndex) else { return text }
        var problem: String?
        for source in byTopic[message.topicIndex] where message.errorCode == KafkaError.Code.offsetReset.rawValue {
            let next = source.next[message.partition] ?? 0
            let sentence =
                "source '\(source.source.name)': topic '\(source.source.topic)' partition \(message.partition) no longer has offset \(next), the next to consume (\(text ?? "no reason given")). The partition stands still; nothing is skipped. Restore the topic, or begin anew with another data directory"
            source.problems[message.partition] = sentence
            problem = sentence
        }
        return problem ?? text
    }
}
