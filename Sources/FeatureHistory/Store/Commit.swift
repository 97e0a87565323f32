public import FeatureModel
public import Windowing

/// What one commit moves, all of it or nothing.
public struct Commit {
    /// Accepted events, at most one batch a history. Their arrivals are filled in by the commit.
    public var batches: [(history: UInt32, batch: EventBatch)] = []
    /// The offset to go on from, for every stream that moved.
    public var offsets: [StreamOffset] = []
    /// Offset ranges that this commit took in, accepted or not: the ledger keeps when each was first recorded.
    public var ranges: [StreamRange] = []
    public var deadLetters: [DeadLetter] = []
    /// Increments of persistent counters.
    public var counters: [String: UInt64] = [:]
    /// Sources whose `available_from` is decided by this commit.
    public var availability: [(source: String, from: Instant)] = []
    /// Rows from files that this commit adds to the histories that its batches name.
    public var fileRows: [FileRowHour] = []

    public init() {}

    var isEmpty: Bool {
        offsets.isEmpty && deadLetters.isEmpty && batches.allSatisfy { $0.batch.count == 0 } && availability.isEmpty
    }
}

/// The offset at which consumption of a stream goes on.
public struct StreamOffset: Hashable, Sendable {
    public var stream: StreamID
    public var next: Int64
    public init(stream: StreamID, next: Int64) {
        self.stream = stream
        self.next = next
    }
}

/// Offsets `first ... last` of a stream.
public struct StreamRange: Hashable, Sendable {
    public var stream: StreamID
    public var first: Int64
    public var last: Int64
    public init(stream: StreamID, first: Int64, last: Int64) {
        self.stream = stream
        self.first = first
        self.last = last
    }
}
