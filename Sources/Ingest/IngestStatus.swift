import Synchronization

/// What ingest is doing, for `status` and for tests. Counts are since the process started; the store keeps totals.
public struct IngestStatus: Sendable {
    public enum State: String, Sendable {
        case starting, consuming, retrying, halted, stopped
    }

    public struct Partition: Sendable {
        public var source: String
        public var topic: String
        public var partition: Int32
        /// The next offset to consume.
        public var next: Int64
        /// Records behind the newest one that the broker told us of; nil before the first fetch.
        public var lag: Int64?
        /// Set when the partition stands still.
        public var problem: String?
    }

    public var state = State.starting
    /// Why ingest is retrying or halted.
    public var problem: String?
    public var cluster: String?
    public var partitions: [Partition] = []
    public var records: UInt64 = 0
    public var events: UInt64 = 0
    public var deadLetters: UInt64 = 0
    public var commits: UInt64 = 0

    public init() {}

    /// Stays so until it consumes: an attempt that begins is no news, only one that succeeds.
    mutating func fail(_ state: State, _ problem: String) {
        self.state = state
        self.problem = problem
    }
}

/// The status, shared between the ingest thread and whoever asks.
final class IngestStatusBox: Sendable {
    private let value = Mutex(IngestStatus())

    var current: IngestStatus { value.withLock { $0 } }

    func update(_ body: (inout IngestStatus) -> Void) { value.withLock { body(&$0) } }
}
