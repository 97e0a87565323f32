import FeatureHistory
import FeatureModel
import KafkaLog

/// Turns batches of the consumer into rows, on the consumer thread.
struct BatchDecoder {
    private let assigned: [AssignedSource]
    /// The places in `assigned` of the sources that read each topic of the assignment.
    private let byTopic: [[Int]]

    /// - Parameter topics: the assignment's, in its order.
    init(_ assigned: [AssignedSource], topics: [String]) {
        self.assigned = assigned
        byTopic = topics.map { topic in assigned.indices.filter { assigned[$0].source.topic == topic } }
    }

    /// - Returns: nil when no record was new to any source; and why partitions stand still, each in a sentence.
    func decode(_ messages: consuming MessageBatch, into rows: RowSet) -> (batch: DecodedBatch?, problems: [String]) {
        var problems: [String] = []
        var recordCount: UInt64 = 0
        for source in rows.sources { source.intake.removeAll() }
        var ranges: [StreamID: StreamRange] = [:]
        for number in 0..<messages.count {
            let message = messages[number]
            guard message.errorCode == 0 else {
                if let problem = note(message, messages.errorText(at: number)) { problems.append(problem) }
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
            for place in byTopic[message.topicIndex] {
                // Before this source's own offset: fetched for another source, or handed out twice.
                guard assigned[place].take(message.partition, message.offset, &ranges) else { continue }
                rows.sources[place].intake.add(record, number: number)
                recordCount += 1
            }
        }
        for source in assigned { source.settle(&ranges) }
        guard !ranges.isEmpty else { return (nil, problems) }
        for source in rows.sources { source.intake.computeExpressions() }
        let sorted = ranges.values.sorted { $0.stream.rawValue < $1.stream.rawValue }
        return (DecodedBatch(messages, rows: rows, ranges: sorted, recordCount: recordCount), problems)
    }

    /// An error in a record's place: its partition stands still until an operator decides.
    private func note(_ message: Message, _ text: String?) -> String? {
        guard byTopic.indices.contains(message.topicIndex) else { return text }
        var problem: String?
        for source in byTopic[message.topicIndex].map({ assigned[$0] })
        where message.errorCode == KafkaError.Code.offsetReset.rawValue {
            let next = source.next[message.partition] ?? 0
            let sentence =
                "source '\(source.source.name)': topic '\(source.source.topic)' partition \(message.partition) no longer has offset \(next), the next to consume (\(text ?? "no reason given")). The partition stands still; nothing is skipped. Restore the topic, or begin anew with another data directory"
            source.problems[message.partition] = sentence
            problem = sentence
        }
        return problem ?? text
    }
}
