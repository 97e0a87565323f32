// Ingest: from topics to commits.
//
//   consumer thread   consume a batch -> decode -> again, at most one batch each commit interval
//   commit thread     decoded batch -> commit
//   forwarder thread  outbox -> <topic>.dlq
//   upkeep thread     folds and evictions, when the store asks for them
//
// A batch of the consumer is a commit: events, offsets, ledger and dead letters of the same records move together, so a
// crash anywhere leaves the fold of a log prefix (promise P1). Offsets committed to Kafka are for lag tools only.

import FeatureModel
import Glibc
import KafkaLog
import Scheduling

public import FeatureHistory
public import Logging

/// How ingest runs.
public struct IngestOptions: Sendable {
    /// librdkafka's settings, verbatim.
    public var kafka: [(name: String, value: String)]
    /// The shortest time between the beginnings of two commits.
    public var commitIntervalMilliseconds: Int
    /// The most records of one commit.
    public var recordsMax: Int

    public init(kafka: [(name: String, value: String)], commitIntervalMilliseconds: Int = 5, recordsMax: Int = 16_384) {
        self.kafka = kafka
        self.commitIntervalMilliseconds = commitIntervalMilliseconds
        self.recordsMax = recordsMax
    }
}

/// Consumes the sources of the applied definitions into a store. Started once, stopped once.
public final class IngestService: Sendable {
    private let store: FeatureStore
    private let options: IngestOptions
    private let log: Logger
    private let stopping = Flag()
    private let box = IngestStatusBox()
    private let threads = ThreadList()

    public init(store: FeatureStore, options: IngestOptions, log: Logger) {
        self.store = store
        self.options = options
        self.log = log
    }

    public var status: IngestStatus { box.current }

    /// Starts the threads; returns at once. Brokers that cannot be reached are tried again until they can.
    ///
    /// - Parameter consumes: false starts the upkeep alone: rows come from files then, or not at all.
    public func start(consumes: Bool = true) {
        if consumes {
            threads.add(DedicatedThread { [self] in ConsumeLoop(store, options, log, stopping, box).run() })
            threads.add(DedicatedThread { [self] in DeadLetterForwarder(store, options, log, stopping).run() })
        }
        threads.add(DedicatedThread { [self] in runUpkeep() })
    }

    /// Finishes the commits at hand and ends the threads; blocking, at most some seconds.
    public func stop() {
        stopping.set()
        threads.joinAll()
        box.update { $0.state = .stopped }
    }

    private func runUpkeep() {
        while !stopping.isSet {
            do throws(StoreError) {
                if !(try store.maintain()) { DedicatedThread.sleep(milliseconds: 50) }
            } catch {
                log.critical("the store stopped: \(error)")
                return
            }
        }
    }
}

/// The service's threads.
private final class ThreadList: @unchecked Sendable {
    // Safe to share: `start` fills it before anyone else sees the service's threads; `joinAll` only reads.
    private var threads: [DedicatedThread] = []
    func add(_ thread: DedicatedThread) { threads.append(thread) }
    func joinAll() { for thread in threads { thread.join() } }
}
