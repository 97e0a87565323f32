import Glibc

/// A mutex for short critical sections on the lookup path. `Synchronization.Mutex` would do but for its `sending`
/// rules: the state that it guards may then not be touched together with a borrowed batch or cells.
final class ShardLock: @unchecked Sendable {
    // Safe to share: a pthread mutex is made for it, and the pointer never changes.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        let status = pthread_mutex_init(mutex, nil)
        precondition(status == 0, "pthread_mutex_init failed with \(status)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inline(__always)
    func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}
