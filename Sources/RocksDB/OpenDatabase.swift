import CRocksDB
import Synchronization

/// The open C database with everything that must be freed together, and a count of who uses it.
///
/// `close()` may come from any thread while others read. So every call, iterator, snapshot and non-empty write batch
/// takes one use with `enter()` and gives it back with `leave()`; the owner holds one until `close()`. Whoever gives
/// the last one back frees the C objects, in the order that RocksDB demands: column family handles, then the database.
///
/// `@unchecked Sendable`: the pointers are constants; RocksDB documents the database, families and option objects as
/// safe for calls from several threads at a time, and they are freed only when no use is left.
final class OpenDatabase: @unchecked Sendable {
    let pointer: OpaquePointer
    let reads: OpaquePointer
    private let writes: OpaquePointer
    private let syncedWrites: OpaquePointer
    let cache: OpaquePointer

    /// Every handle ever made, dropped families included: their handles stay valid until the database closes.
    let families = Mutex<[ColumnFamily]>([])

    private let uses = Atomic<Int>(1)
    private let isClosed = Atomic<Bool>(false)
    private let isReleased = Atomic<Bool>(false)

    /// Takes over `pointer` and `cache`.
    init(pointer: OpaquePointer, cache: OpaquePointer) {
        self.pointer = pointer
        self.cache = cache
        reads = rocksdb_readoptions_create()
        writes = rocksdb_writeoptions_create()
        syncedWrites = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(syncedWrites, 1)
    }

    func writeOptions(sync: Bool) -> OpaquePointer { sync ? syncedWrites : writes }

    /// Takes a use. Every success is paired with one `leave()`.
    func enter() throws(RocksDBError) {
        guard tryEnter() else { throw .closed }
    }

    func tryEnter() -> Bool {
        guard !isClosed.load(ordering: .relaxed) else { return false }
        var count = uses.load(ordering: .relaxed)
        // From zero there is no way back: the C objects may be going already.
        while count > 0 {
            let (done, seen) = uses.weakCompareExchange(expected: count, desired: count + 1, ordering: .acquiring)
            if done { return true }
            count = seen
        }
        return false
    }

    func leave() {
        let (_, count) = uses.subtract(1, ordering: .acquiringAndReleasing)
        if count == 0 { free() }
    }

    /// Gives the owner's use back, once.
    /// - Returns: whether the files are released; false while others still use the database.
    func close() -> Bool {
        let wasClosed = isClosed.exchange(true, ordering: .acquiringAndReleasing)
        if !wasClosed { leave() }
        return isReleased.load(ordering: .acquiring)
    }

    private func free() {
        // Emptying the list also breaks the ring between the families and this object.
        let handles = families.withLock { list in
            defer { list = [] }
            return list.map(\.pointer)
        }
        for handle in handles { rocksdb_column_family_handle_destroy(handle) }
        rocksdb_close(pointer)
        rocksdb_readoptions_destroy(reads)
        rocksdb_writeoptions_destroy(writes)
        rocksdb_writeoptions_destroy(syncedWrites)
        rocksdb_cache_destroy(cache)
        isReleased.store(true, ordering: .releasing)
    }
}
