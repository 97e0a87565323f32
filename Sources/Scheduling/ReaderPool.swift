// The threads for reads that may block, and how they get their work:
//
//   event loops --push--> newest -> ... -> oldest      a list that is changed by one atomic exchange
//              \--post--> a semaphore                  wakes one thread, and waits for nobody
//   threads    wait, take the whole list under a lock of their own, compute the oldest
//
// An event loop never waits for a thread of the pool, which may have lost its processor wherever it stands. A condition
// variable would make it: in glibc before 2.41 a signal waits until those who were signalled before have run (96 ms were
// seen), and a mutex waits for whoever is inside.

import Glibc
import Synchronization

/// A few threads beside the event loops. Safe to use from any thread.
public final class ReaderPool: @unchecked Sendable {
    // Safe to share: the semaphore is made for it and its pointer never changes; `threads` is set before anybody has the pool.

    /// Is told whether the pool goes on.
    public typealias Work = @Sendable (_ isActive: Bool) -> Void

    private final class Entry {
        let work: Work
        var next: Unmanaged<Entry>?
        init(_ work: @escaping Work) { self.work = work }
    }

    private let newest = Atomic<UnsafeMutableRawPointer?>(nil)
    private let wakes: UnsafeMutablePointer<sem_t>
    /// What was taken off the list; the oldest is last.
    private let taken = Mutex<[Work]>([])
    private let isStopping = Atomic<Bool>(false)
    private let alive: Atomic<Int>
    private let whenEnded = Mutex<CheckedContinuation<Void, Never>?>(nil)
    private var threads: [DedicatedThread] = []

    /// Starts the threads, which stay until `stop`. Without any, work waits until then.
    ///
    /// - Parameter manners: of the threads. They step back behind the event loops unless told otherwise; for work that takes
    ///   microseconds when it is its turn, give them the loops' own.
    public init(threads count: Int, manners: ThreadManners = .steppingBack(niceness: 5)) {
        wakes = .allocate(capacity: 1)
        let status = sem_init(wakes, 0, 0)
        precondition(status == 0, "sem_init failed with \(errno)")
        alive = Atomic(count)
        threads = (0..<count).map { _ in DedicatedThread(manners) { [self] in work() } }
    }

    deinit {
        sem_destroy(wakes)
        wakes.deallocate()
    }

    /// Lets a thread of the pool do some work, in the order of the calls; after `stop` the caller does it, and is told so.
    public func submit(_ work: @escaping Work) {
        let entry = Unmanaged.passRetained(Entry(work))
        var head = newest.load(ordering: .relaxed)
        while true {
            entry._withUnsafeGuaranteedRef { $0.next = head.map { Unmanaged<Entry>.fromOpaque($0) } }
            let (isDone, found) = newest.weakCompareExchange(
                expected: head,
                desired: entry.toOpaque(),
                ordering: .sequentiallyConsistent
            )
            if isDone { break }
            head = found
        }
        sem_post(wakes)
        // `stop` may have given out what it found before this came.
        if isStopping.load(ordering: .sequentiallyConsistent) { giveUp() }
    }

    /// Does some work on a thread of the pool.
    ///
    /// - Throws: `CancellationError` when the pool stops before; else what the work throws.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit { isActive in
                guard isActive else { return continuation.resume(throwing: CancellationError()) }
                continuation.resume(with: Result(catching: body))
            }
        }
    }

    /// Ends the threads when they have done what they are at; what waits is told that the pool does not go on. Once.
    public func stop() async {
        await withCheckedContinuation { continuation in
            whenEnded.withLock { $0 = continuation }
            isStopping.store(true, ordering: .sequentiallyConsistent)
            if threads.isEmpty { return ended() }
            for _ in threads { sem_post(wakes) }
        }
        // They have ended, or are about to.
        for thread in threads { thread.join() }
    }

    // MARK: On the threads

    private func work() {
        while true {
            while sem_wait(wakes) != 0 {}
            if isStopping.load(ordering: .sequentiallyConsistent) { break }
            if let work = next() { work(true) }
        }
        if alive.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { ended() }
    }

    private func next() -> Work? {
        taken.withLock { taken in
            if taken.isEmpty {
                var entry = newest.exchange(nil, ordering: .sequentiallyConsistent)
                while let pointer = entry {
                    let first = Unmanaged<Entry>.fromOpaque(pointer).takeRetainedValue()
                    taken.append(first.work)
                    entry = first.next?.toOpaque()
                }
            }
            return taken.popLast()
        }
    }

    private func giveUp() { while let work = next() { work(false) } }

    private func ended() {
        giveUp()
        whenEnded.withLock { $0.take() }?.resume()
    }
}
