// The versioned store: every accepted event of every history, with the offsets that produced it.
//
//   commit:   events ---> journal row --+
//             offsets, ledger row,      +-- one write batch --> RocksDB --> resident entities --> visible (K)
//             dead letters, state ------+
//   fold:     resident events of commits <= C ---> leaves (by entity and time); then, in one batch: folded = C and the
//             journal rows up to C are gone
//   retain:   what is older than `history` leaves resident entities and leaves; `lifetime` keeps what it needs of it
//   open:     state, catalog, then the journal rows after the fold are applied again to resident entities
//   read:     resident entity, else its leaves + its resident tail; a pure function of (T, K)
//
// Invariants
//   S1  State = fold of the log prefix [0, stored offset) per partition: events, offsets and state share a batch.
//   S2  Arrivals strictly increase from commit to commit; a reader's K is the arrival of a finished commit.
//   S3  An event stands in the journal, in a leaf, or (while a fold runs, or after one was cut short) in both; readers
//       and folds drop the copy by its (event time, position), so a fold needs no batch that spans all entities.
//   S4  After an error while writing nothing more is committed: the process stops by name and opens the store anew.

public import FeatureModel

import Atomics
import RocksDB
public import Windowing

/// The store. One per data directory and process. Reads are safe from any thread; commits, folds and definition changes
/// come from any thread too but exclude each other.
public final class FeatureStore: Sendable {
    let database: Database
    let families: ColumnFamilies
    let resident: ResidentEntities
    public let options: StoreOptions
    let clock: @Sendable () -> Instant

    /// Guards everything that moves with commits.
    let writer = ShardLock()
    /// Excludes folds from each other; never held while waiting for `writer` by someone who holds `writer`.
    let folding = ShardLock()
    /// Excludes commits of file rows from each other: between the question what is there and the commit nothing comes.
    let fileCommits = ShardLock()
    private let catalogBox: CatalogBox
    private let stateBox: StateBox
    /// The arrival of the newest visible commit.
    private let visible: ManagedAtomic<Int64>
    /// The arrival up to which leaves hold everything; what eviction may drop.
    let foldedArrival: ManagedAtomic<Int64>
    /// Whether any leaf may exist: without leaves no entity is cold.
    let hasLeaves: ManagedAtomic<Bool>
    /// Events that no finished fold covers.
    let unfoldedEvents = ManagedAtomic<Int>(0)
    let leases = HistoryLeases()
    let sweepCursor = SweepCursor()
    private let newestGeneration = ManagedAtomic<UInt64>(1)
    private let failure: FailureBox

    /// Opens or creates the store in `directory` and recovers: the journal rows that no fold covers are applied again.
    ///
    /// - Parameter clock: the only source of time; arrivals and a lookup's default T come from it.
    /// - Throws: `locked` when another process has the directory; `corruption`, `unknownFormat`, `disk`.
    public init(directory: String, options: StoreOptions, clock: @escaping @Sendable () -> Instant) throws(StoreError) {
        self.options = options
        self.clock = clock
        resident = ResidentEntities(treeShape: options.treeShape)
        database = try Self.openDatabase(directory, options)
        families = try ColumnFamilies(database)
        let recovered = try Self.readRegistry(database, families)
        catalogBox = CatalogBox(recovered.catalog)
        stateBox = StateBox(recovered.state, recovered.counters, recovered.files, recovered.fileRows)
        visible = ManagedAtomic(recovered.state.arrival)
        foldedArrival = ManagedAtomic(recovered.state.foldedArrival)
        hasLeaves = ManagedAtomic(try Self.hasAnyLeaf(database, families))
        failure = FailureBox()
        try replayJournal()
    }

    /// K of a read that asks for the newest: the arrival of the newest visible commit; the epoch before the first.
    public var newestCommit: Instant { Instant(microseconds: visible.load(ordering: .acquiring)) }

    /// What is applied. Cheap enough for every request: a lock, a retain.
    public var catalog: Catalog { catalogBox.current }

    /// The server's now.
    public var now: Instant { clock() }

    func publish(arrival: Int64) { visible.store(arrival, ordering: .releasing) }

    func publish(_ catalog: Catalog) {
        catalogBox.replace(catalog)
        newestGeneration.store(catalog.generation, ordering: .releasing)
    }

    /// The catalog's generation, without the catalog: what a prepared lookup compares on every request.
    public var generation: UInt64 { newestGeneration.load(ordering: .acquiring) }

    // MARK: State (inside `writer`)

    var state: StoreState {
        get { stateBox.state }
        set { stateBox.state = newValue }
    }

    var counters: [String: UInt64] {
        get { stateBox.counters }
        set { stateBox.counters = newValue }
    }

    var files: [DefinitionFile] {
        get { stateBox.files }
        set { stateBox.files = newValue }
    }

    var fileRows: FileRowCounts {
        get { stateBox.fileRows }
        _modify { yield &stateBox.fileRows }
    }

    // MARK: Failure

    /// The error that stopped the store, if one did. Reads from memory go on; nothing is written any more.
    public var failureReason: StoreError? { failure.reason }

    func checkNotFailed() throws(StoreError) {
        if let reason = failure.reason { throw StoreError(.stopped, "the store stopped after: \(reason)") }
    }

    func fail(_ error: StoreError) { failure.set(error) }

    /// Stops and closes. Nothing that was committed is lost; folding is left to the next run.
    public func close() {
        writer.withLock { failure.set(StoreError(.stopped, "closed")) }
        folding.withLock {}
        _ = database.close()
    }
}

/// Sizes and limits of a store.
public struct StoreOptions: Sendable {
    /// What resident entities and RocksDB's caches together may take, in bytes.
    public var memoryBudget: Int
    /// A fold starts when this many events are in no leaf yet.
    public var unfoldedEventsMax: Int
    public var deadLetters: DeadLetterLimits
    /// Sync the write-ahead log at every commit. Without it a killed process loses nothing; after a power loss the lost
    /// tail is read again from Kafka.
    public var syncsCommits: Bool
    /// How busy entities lie in memory. No result depends on it; tests show that.
    public var treeShape = TreeShape.standard

    public init(
        memoryBudget: Int = 1 << 30,
        unfoldedEventsMax: Int = 4_000_000,
        deadLetters: DeadLetterLimits = DeadLetterLimits(),
        syncsCommits: Bool = false
    ) {
        self.memoryBudget = max(64 << 20, memoryBudget)
        self.unfoldedEventsMax = unfoldedEventsMax
        self.deadLetters = deadLetters
        self.syncsCommits = syncsCommits
    }

    /// A quarter goes to RocksDB's block cache and write buffers.
    var databaseBytes: Int { memoryBudget / 4 }
    var residentBytesMax: Int { memoryBudget - databaseBytes }
}

/// The current catalog, swapped as a whole.
private final class CatalogBox: @unchecked Sendable {
    // Safe to share: `value` is only touched inside `lock`.
    private let lock = ShardLock()
    private var value: Catalog

    init(_ value: Catalog) { self.value = value }

    var current: Catalog { lock.withLock { value } }
    func replace(_ catalog: Catalog) { lock.withLock { value = catalog } }
}

/// State that moves with commits.
private final class StateBox: @unchecked Sendable {
    // Safe to share: touched only by holders of the store's `writer` lock, and before the store is shared.
    var state: StoreState
    var counters: [String: UInt64]
    var files: [DefinitionFile]
    var fileRows: FileRowCounts

    init(
        _ state: StoreState,
        _ counters: [String: UInt64],
        _ files: [DefinitionFile],
        _ fileRows: FileRowCounts
    ) {
        self.state = state
        self.counters = counters
        self.files = files
        self.fileRows = fileRows
    }
}

private final class FailureBox: @unchecked Sendable {
    // Safe to share: `value` is only touched inside `lock`.
    private let lock = ShardLock()
    private var value: StoreError?

    var reason: StoreError? { lock.withLock { value } }
    func set(_ error: StoreError) { lock.withLock { if value == nil { value = error } } }
}
