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

    /// Takes the lock if nobody has it; `leave` gives it back.
    @inline(__always)
    func enterAtOnce() -> Bool { pthread_mutex_trylock(mutex) == 0 }

    @inline(__always)
    func leave() { pthread_mutex_unlock(mutex) }

    /// For a thread that must not wait: whoever is inside may have lost its processor, for milliseconds.
    ///
    /// - Returns: nil, without a call, when the lock is not free within `patience`.
    @inline(__always)
    func withLockSoon<R>(_ body: () -> R) -> R? {
        if pthread_mutex_trylock(mutex) != 0 {
            guard tryAgain() || waitSoon() else { return nil }
        }
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Another lookup, or a batch that warms the cache, is out of a shard within a microsecond or two: sooner than this thread would
    /// be asleep and awake again.
    private func tryAgain() -> Bool {
        for _ in 0..<64 where pthread_mutex_trylock(mutex) == 0 { return true }
        return false
    }

    /// As long as a commit is in a shard, and not much longer; in nanoseconds.
    private static let patience = 50_000

    private func waitSoon() -> Bool {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_nsec += Self.patience
        if until.tv_nsec >= 1_000_000_000 {
            until.tv_sec += 1
            until.tv_nsec -= 1_000_000_000
        }
        return pthread_mutex_timedlock(mutex, &until) == 0
    }
}
