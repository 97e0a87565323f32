// Where consumption goes on: the offsets stored with the events, never Kafka's group offsets.
//
//   stored offset?  yes -> assign it                         (an offset that the log no longer has stops the partition)
//                   no  -> start: earliest | latest | time -> resolve now, store, assign

import FeatureHistory
import FeatureModel
import KafkaLog

/// One source on the cluster that it is consumed from now. The consumer thread's own.
final class AssignedSource {
    let plan: SourcePlan
    /// The next offset of each partition to decode.
    private(set) var next: [Int32: Int64]
    /// The next offset of each partition to commit: what is behind it is in the store.
    var committed: [Int32: Int64]
    /// Partitions whose first consumed offset was not 0: values before their first event are incomplete.
    let beganLate: Set<Int32>
    var problems: [Int32: String] = [:]
    /// The partition of the record before: a fetch brings its records in runs, so tables are asked once a run.
    private var cursor: (partition: Int32, next: Int64, first: Int64?)?

    /// Moves on past a record; false when it lies before this source's own offset or is none of its partitions.
    @inline(__always)
    func take(_ partition: Int32, _ offset: Int64, _ ranges: inout [StreamID: StreamRange]) -> Bool {
        if cursor?.partition != partition {
            settle(&ranges)
            cursor = next[partition].map { (partition, $0, nil) }
        }
        guard let place = cursor, offset >= place.next else { return false }
        cursor = (partition, offset + 1, place.first ?? offset)
        return true
    }

    /// Puts the cursor's place into the tables.
    func settle(_ ranges: inout [StreamID: StreamRange]) {
        guard let (partition, after, first) = cursor else { return }
        cursor = nil
        guard let first else { return }
        next[partition] = after
        let stream = plan.stream(partition)
        ranges[stream, default: StreamRange(stream: stream, first: first, last: after - 1)].last = after - 1
    }

    init(_ plan: SourcePlan, next: [Int32: Int64], beganLate: Set<Int32>) {
        self.plan = plan
        self.next = next
        self.committed = next
        self.beganLate = beganLate
    }

    var source: Source { plan.source }
}

/// Finds out what to consume and from where.
struct Assigner {
    let store: FeatureStore
    let consumer: KafkaConsumer

    private static let timeoutMilliseconds = 10_000

    /// The cluster's name in stored records: Kafka's cluster id, or a development broker's marker.
    ///
    /// - Parameter onProblem: told why no broker could be reached so far, while it is still being tried.
    func cluster(
        onProblem: (String) -> Void,
        isStopped: () -> Bool
    ) throws(IngestError) -> String {
        let topics = try firstAnswer(onProblem, isStopped)
        if let marker = DevelopmentBroker.incarnationMarker(in: topics.map(\.name)) { return marker }
        let id = try consuming { () throws(KafkaError) in
            try consumer.clusterID(timeoutMilliseconds: Self.timeoutMilliseconds)
        }
        guard let id else { throw IngestError(retry: "no broker told its cluster id") }
        return id
    }

    /// All topics, from the first broker that answers. librdkafka says what is wrong only between two waits, so the
    /// first ones are short, and the last one is long enough for brokers that are far away.
    private func firstAnswer(
        _ onProblem: (String) -> Void,
        _ isStopped: () -> Bool
    ) throws(IngestError) -> [TopicMetadata] {
        var problem: KafkaError?
        var last: KafkaError?
        for milliseconds in [250, 750, 2000, 7000] where !isStopped() {
            do throws(KafkaError) {
                return try consumer.metadata(timeoutMilliseconds: milliseconds)
            } catch { last = error }
            // Nothing is assigned yet, so this takes in complaints and no records.
            _ = try consuming { () throws(KafkaError) in
                try consumer.consumeBatch(maxCount: 1, timeoutMilliseconds: 0)
            }
            let complaints = consumer.takeErrors()
            problem = complaints.first { $0.code != .allBrokersDown } ?? problem ?? complaints.first
            if let problem { onProblem(problem.description) }
        }
        throw IngestError(retry: (problem ?? last)?.description ?? "stopped")
    }

    /// Settles incarnation and offsets of a source. Offsets that are new are stored before anything is consumed, so that
    /// a restart goes on from the same place.
    func assign(_ source: Source, cluster: String) throws(IngestError) -> AssignedSource? {
        try settleIncarnation(source, cluster: cluster)
        guard let plan = try SourcePlan(source, in: store.catalog) else { return nil }
        let partitions = try partitions(of: source)
        var next: [Int32: Int64] = [:]
        var fresh: [Int32] = []
        for partition in partitions {
            let stream = plan.stream(partition)
            if let stored = try storing({ () throws(StoreError) in try store.offset(of: stream) }) {
                next[partition] = stored
            } else {
                fresh.append(partition)
            }
        }
        for (partition, offset) in try start(of: source, partitions: fresh, cluster: cluster) {
            next[partition] = offset
        }
        if !fresh.isEmpty {
            try storing { () throws(StoreError) in
                _ = try store.commit { _ throws(StoreError) in
                    var commit = Commit()
                    commit.offsets = fresh.map { partition in
                        StreamOffset(
                            stream: plan.stream(partition),
                            next: next[partition] ?? 0
                        )
                    }
                    // Known now and lost later: after a restart an offset beyond 0 no longer tells where it all began.
                    if fresh.count == partitions.count, fresh.allSatisfy({ next[$0] == 0 }) {
                        commit.availability = [(source.name, .distantPast)]
                    }
                    return commit
                }
            }
        }
        let late = plan.record.isAvailabilityDecided ? [] : Set(next.filter { $0.value > 0 }.keys)
        return AssignedSource(plan, next: next, beganLate: late)
    }

    /// A fresh development broker begins a new incarnation; a real cluster other than the known one is refused by name.
    private func settleIncarnation(_ source: Source, cluster: String) throws(IngestError) {
        let known = store.catalog.sources[source.name]
        var isNewTopic = false
        if let known, known.incarnation > 0, known.cluster != cluster {
            guard known.cluster.hasPrefix(DevelopmentBroker.markerPrefix),
                cluster.hasPrefix(DevelopmentBroker.markerPrefix)
            else {
                throw IngestError(
                    halt:
                        "source '\(source.name)' was consumed from Kafka cluster '\(known.cluster)', but this is cluster '\(cluster)': its offsets mean other records. Point bootstrap.servers back, or use a new data directory or a new source name"
                )
            }
            isNewTopic = true
        }
        try storing { () throws(StoreError) in
            _ = try store.incarnation(of: source.name, cluster: cluster, isNewTopic: isNewTopic)
        }
    }

    private func partitions(of source: Source) throws(IngestError) -> [Int32] {
        let topics = try consuming { () throws(KafkaError) in
            try consumer.metadata(topic: source.topic, timeoutMilliseconds: Self.timeoutMilliseconds)
        }
        guard let topic = topics.first(where: { $0.name == source.topic }), topic.error == nil,
            !topic.partitions.isEmpty
        else {
            let reason = topics.first?.error?.message ?? "it has no partitions"
            throw IngestError(retry: "topic '\(source.topic)' of source '\(source.name)': \(reason)")
        }
        return topic.partitions
    }

    private func start(
        of source: Source,
        partitions: [Int32],
        cluster: String
    ) throws(IngestError) -> [Int32: Int64] {
        guard !partitions.isEmpty else { return [:] }
        var offsets: [Int32: Int64] = [:]
        if case .time(let instant) = source.start {
            guard !cluster.hasPrefix(DevelopmentBroker.markerPrefix) else {
                throw IngestError(
                    halt:
                        "source '\(source.name)': the development broker cannot find offsets by time; use start: earliest or latest"
                )
            }
            // Rounded up: the first record at or after the instant.
            let milliseconds = instant.microseconds / 1000 + (instant.microseconds % 1000 > 0 ? 1 : 0)
            let found = try consuming { () throws(KafkaError) in
                try consumer.offsets(
                    forTimestampMilliseconds: milliseconds,
                    topic: source.topic,
                    partitions: partitions,
                    timeoutMilliseconds: Self.timeoutMilliseconds
                )
            }
            for place in found where place.offset >= 0 { offsets[place.partition] = place.offset }
        }
        for partition in partitions where offsets[partition] == nil {
            let (low, high) = try consuming { () throws(KafkaError) in
                try consumer.watermarkOffsets(
                    topic: source.topic,
                    partition: partition,
                    timeoutMilliseconds: Self.timeoutMilliseconds
                )
            }
            offsets[partition] = source.start == .earliest ? low : high
        }
        return offsets
    }
}
