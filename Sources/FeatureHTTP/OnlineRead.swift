import FeatureHistory
import FeatureModel
import FeatureServer
import NIOConcurrencyHelpers
import Scheduling
import Windowing

/// Reads all rows of a request at one (T, K): from memory on the caller's thread, and on the server's pool where an entity
/// must come from disk.
struct OnlineRead: Sendable {
    let store: FeatureStore
    let lookup: ResolvedLookup
    let rows: EntityRows
    let point: ReadPoint
    /// The most bytes that an answer may have.
    let byteCountMax: Int

    /// The least that a cell takes in an answer: `null`, a status and a time, with commas and quotes.
    private static let cellByteCountMin = 38

    init(
        _ lookup: ResolvedLookup,
        _ rows: EntityRows,
        _ store: FeatureStore,
        byteCountMax: Int
    ) throws(FeastFailure) {
        self.store = store
        self.lookup = lookup
        self.rows = rows
        self.byteCountMax = byteCountMax
        point = store.readPoint(asOf: nil, knownAt: nil, boundary: .strict)
        let cells = rows.count.multipliedReportingOverflow(by: lookup.plan.features.count)
        guard !cells.overflow, cells.partialValue <= byteCountMax / Self.cellByteCountMin else {
            throw .tooLarge(byteCountMax)
        }
    }

    func run(_ shared: ServerContext, _ scratches: ScratchPool) async throws -> FeatureTable {
        if let table = try scratches.withScratch({ scratch throws(FeastFailure) in try readResident(scratch) }) {
            return table
        }
        let read = self
        let isShort = rows.count * lookup.plan.features.count <= ServerLimits.loopCellsMax
        let pool = isShort ? shared.shortReads : shared.pool
        do {
            return try await pool.run {
                try scratches.withScratch { scratch throws(FeastFailure) in try read.readAll(scratch) }
            }
        } catch is CancellationError { throw FeastFailure.busy("the server is stopping") }
    }

    /// - Returns: nil when some entity is not in memory.
    private func readResident(_ scratch: ReadScratch) throws(FeastFailure) -> FeatureTable? {
        try readEach(scratch) { row, key throws(StoreError) in
            store.readResident(lookup.plan, key: key, at: point, scratch, row: row, waits: false)
        }
    }

    /// Blocking.
    private func readAll(_ scratch: ReadScratch) throws(FeastFailure) -> FeatureTable {
        let table = try readEach(scratch) { row, key throws(StoreError) in
            try store.read(lookup.plan, key: key, at: point, scratch, row: row)
            return true
        }
        guard let table else { throw FeastFailure(500, .feast(class: "FeastError"), "a row was not read") }
        return table
    }

    private func readEach(
        _ scratch: ReadScratch,
        _ read: (_ row: Int, _ key: UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(FeastFailure) -> FeatureTable? {
        scratch.request = rows.request
        var table = FeatureTable(types: lookup.plan.features.map(\.type), rowCount: rows.count)
        var failure: FeastFailure?
        var isWhole = true
        rows.forEachKey { row, key in
            do throws(StoreError) { isWhole = try read(row, key) } catch {
                failure = FeastFailure(error)
            }
            guard failure == nil, isWhole else { return false }
            table.append(scratch.cells)
            if scratch.cells.isTooLong || table.strings.count > byteCountMax { failure = .tooLarge(byteCountMax) }
            return failure == nil
        }
        if let failure { throw failure }
        return isWhole ? table : nil
    }
}

extension FeastFailure {
    static func tooLarge(_ byteCountMax: Int) -> FeastFailure {
        .refused(
            "the answer would be beyond the limit of \(byteCountMax) bytes; ask for fewer rows or features at once"
        )
    }
}

/// Readers' buffers, used again from request to request: HTTP requests have no thread of their own to keep them on.
final class ScratchPool: @unchecked Sendable {
    // Safe to share: `free` is only touched inside the lock, and a buffer belongs to one caller at a time.
    private let lock = NIOLock()
    private var free: [ReadScratch] = []
    /// More than threads that read at a time.
    private static let keptMax = 16

    func withScratch<R, E: Error>(_ body: (ReadScratch) throws(E) -> R) throws(E) -> R {
        let scratch = lock.withLock { free.popLast() } ?? ReadScratch()
        defer { lock.withLock { if free.count < Self.keptMax { free.append(scratch) } } }
        return try body(scratch)
    }
}
