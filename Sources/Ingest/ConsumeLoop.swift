import FeatureHistory
import FeatureModel
import Glibc
import KafkaLog
import Logging
import Scheduling

/// The consumer thread's work: assign, consume, decode, until told to stop. What it decoded is committed on a thread
/// beside it.
struct ConsumeLoop {
    private let store: FeatureStore
    private let options: IngestOptions
    private let log: Logger
    private let stopping: Flag
    private let box: IngestStatusBox

    private static let refreshMilliseconds: Int64 = 30_000

    init(_ store: FeatureStore, _ options: IngestOptions, _ log: Logger, _ stopping: Flag, _ box: IngestStatusBox) {
        self.store = store
        self.options = options
        self.log = log
        self.stopping = stopping
        self.box = box
    }

    /// Runs until stopped or halted. Errors that may pass are tried again, slower each time.
    func run() {
        var pause = 100
        while !stopping.isSet {
            do throws(IngestError) {
                try consume { pause = 100 }
            } catch {
                guard !stopping.isSet else { return }
                box.update { $0.fail(error.isHalt ? .halted : .retrying, error.message) }
                if error.isHalt {
                    log.critical("ingest halted: \(error). Lookups go on with what is there")
                    return
                }
                log.warning("ingest: \(error); trying again in \(pause) ms")
                wait(milliseconds: pause)
                pause = min(pause * 2, 5000)
            }
        }
    }

    private func wait(milliseconds: Int) {
        var left = milliseconds
        while left > 0, !stopping.isSet {
            DedicatedThread.sleep(milliseconds: min(left, 50))
            left -= 50
        }
    }

    /// Consumes until stopped, or until the definitions or the partitions change.
    private func consume(_ onProgress: () -> Void) throws(IngestError) {
        let catalog = store.catalog
        let sources = catalog.definition.sources
        let log = log
        let consumer = try consuming { () throws(KafkaError) in
            try KafkaConsumer(KafkaSettings(options.kafka)) { _, facility, text in
                log.debug("librdkafka \(facility): \(text)")
            }
        }
        defer { consumer.close() }
        let assigner = Assigner(store: store, consumer: consumer)
        let cluster = try assigner.cluster { problem in
            // Told at once: the attempt goes on for seconds.
            if box.current.state != .retrying { log.warning("ingest: \(problem); trying until it passes") }
            box.update { $0.fail(.retrying, problem) }
        } isStopped: {
            stopping.isSet
        }
        var assigned: [AssignedSource] = []
        for source in sources {
            if let one = try assigner.assign(source, cluster: cluster) { assigned.append(one) }
        }
        // Two sources may read one topic, each with its own offsets: the lower one is fetched, the other skips.
        let topics = assigned.map(\.source.topic).uniqued()
        var places: [TopicPartitionOffset] = []
        for topic in topics {
            let sharers = assigned.filter { $0.source.topic == topic }
            for partition in Set(sharers.flatMap(\.next.keys)).sorted() {
                let offset = sharers.compactMap { $0.next[partition] }.min() ?? 0
                places.append(TopicPartitionOffset(topic: topic, partition: partition, offset: offset))
            }
        }
        try consuming { () throws(KafkaError) in try consumer.assign(places) }
        box.update {
            $0.state = .consuming
            $0.problem = nil
            $0.cluster = cluster
        }
        log.info("consuming \(places.count) partitions of \(topics.count) topics from \(cluster)")
        let decoder = BatchDecoder(assigned, topics: topics)
        var rowSets: [RowSet] = []
        for _ in 0..<CommitThread.rowSetCount { rowSets.append(try RowSet(assigned)) }
        let commits = CommitThread(BatchCommitter(store: store, definitionHash: catalog.definitionHash))
        defer {
            commits.finish()
            let (results, failure) = commits.takeResults()
            count(results, assigned)
            // Nothing is lost: the offsets did not move. But it must not pass unnoticed.
            if let failure {
                box.update { $0.problem = failure.message }
                log.error("ingest: \(failure)")
            }
        }
        var handedOver = 0
        var nextRefresh = Self.milliseconds() + Self.refreshMilliseconds
        var complaint: KafkaError?
        while !stopping.isSet, store.catalog.definitionHash == catalog.definitionHash {
            let began = Self.milliseconds()
            while store.isOverBudget, !stopping.isSet { DedicatedThread.sleep(milliseconds: 5) }
            if assigned.isEmpty {
                DedicatedThread.sleep(milliseconds: 50)
                continue
            }
            let messages = try consuming { () throws(KafkaError) in
                try consumer.consumeBatch(maxCount: options.recordsMax, timeoutMilliseconds: 100)
            }
            let isFull = messages.count == options.recordsMax
            let isIdle = messages.isEmpty
            if !isIdle {
                let (batch, problems) = decoder.decode(messages, into: rowSets[handedOver % rowSets.count])
                for problem in problems { log.error("\(problem)") }
                if !problems.isEmpty { reportPartitions(assigned, consumer) }
                if let batch {
                    commits.submit(batch)
                    handedOver += 1
                }
            }
            let (results, failure) = commits.takeResults()
            count(results, assigned)
            if let failure { throw failure }
            if results.contains(where: \.isStale) { return }
            if !results.isEmpty { onProgress() }
            let isDue = Self.milliseconds() / 250 != lastReport.value / 250 || isIdle && results.isEmpty
            if lastReport.isBehind, isDue { reportPartitions(assigned, consumer) }
            let errors = consumer.takeErrors()
            for error in errors { log.warning("\(error)") }
            if errors.contains(where: { $0.code == .allBrokersDown }) {
                complaint = errors.first { $0.code != .allBrokersDown } ?? errors.first
            }
            if let problem = complaint, isOver(problem, consumer) { complaint = nil }
            let now = Self.milliseconds()
            if now >= nextRefresh {
                nextRefresh = now + Self.refreshMilliseconds
                reportPartitions(assigned, consumer)
                consumer.commitForLagTools(
                    assigned.flatMap { source in
                        source.committed.map {
                            TopicPartitionOffset(topic: source.source.topic, partition: $0.key, offset: $0.value)
                        }
                    }
                )
                if try hasNewPartitions(assigned, consumer) { return }
            }
            // Few records: let more gather until the commit interval is over, rather than commit each alone.
            let rest = Int64(options.commitIntervalMilliseconds) - (now - began)
            if !isFull, rest > 0 { DedicatedThread.sleep(milliseconds: Int(rest)) }
        }
    }

    /// Whether brokers answer in spite of a complaint that none is there; says in the status what came out. Topics that
    /// nobody writes to give no other sign of it.
    private func isOver(_ problem: KafkaError, _ consumer: KafkaConsumer) -> Bool {
        guard (try? consumer.metadata(timeoutMilliseconds: 1000)) != nil else {
            box.update { $0.fail(.retrying, problem.description) }
            return false
        }
        box.update {
            $0.state = .consuming
            $0.problem = nil
        }
        return true
    }

    private func hasNewPartitions(_ assigned: [AssignedSource], _ consumer: KafkaConsumer) throws(IngestError) -> Bool {
        let topics: [TopicMetadata]
        do throws(KafkaError) { topics = try consumer.metadata(timeoutMilliseconds: 2000) } catch { return false }
        return assigned.contains { source in
            guard let topic = topics.first(where: { $0.name == source.source.topic }) else { return false }
            return topic.partitions.count > source.next.count
        }
    }

    private func count(_ results: [BatchCommitter.Result], _ assigned: [AssignedSource]) {
        guard !results.isEmpty else { return }
        for result in results {
            for range in result.ranges {
                let source = assigned.first { $0.plan.record.ordinal == range.stream.source }
                source?.committed[range.stream.partition] = range.last + 1
            }
        }
        box.update { status in
            for result in results {
                status.records += result.records
                status.events += result.events
                status.deadLetters += result.deadLetters
                status.commits += result.isStale ? 0 : 1
            }
        }
        lastReport.isBehind = true
    }

    /// Costs a call a partition, hence four times a second, and once more when all is quiet.
    private func reportPartitions(_ assigned: [AssignedSource], _ consumer: KafkaConsumer) {
        lastReport.value = Self.milliseconds()
        lastReport.isBehind = false
        let partitions = assigned.flatMap { source in
            source.committed.sorted { $0.key < $1.key }.map { partition, next in
                let high = (try? consumer.highWatermark(topic: source.source.topic, partition: partition)) ?? nil
                return IngestStatus.Partition(
                    source: source.source.name,
                    topic: source.source.topic,
                    partition: partition,
                    next: next,
                    lag: high.map { max(0, $0 - next) },
                    problem: source.problems[partition]
                )
            }
        }
        box.update { $0.partitions = partitions }
    }

    /// When partitions were reported last; this thread's own.
    private let lastReport = LastReport()

    private final class LastReport {
        var value: Int64 = 0
        /// Whether something has been consumed since.
        var isBehind = false
    }

    /// A clock that only goes forward, for intervals.
    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension Sequence where Element: Hashable {
    /// The elements without repetitions, in order of first appearance.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
