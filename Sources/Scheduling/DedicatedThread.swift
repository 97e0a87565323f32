import Glibc
import Synchronization

/// A thread of its own for work that blocks: consuming, forwarding, folding. Swift's shared pool must never wait.
///
/// It steps back behind the threads that answer lookups: a lookup takes microseconds and somebody waits for it, and where
/// processors are scarce it would wait milliseconds for a time slice of ingest. Threads that it makes, such as librdkafka's, do
/// so too. One that somebody waits for has other manners.
public final class DedicatedThread: @unchecked Sendable {
    // Safe to share: the handle is written once, before the initialiser returns, and joined once under `isJoined`.
    private var handle = pthread_t()
    private let isJoined = Atomic<Bool>(false)

    /// Starts `body` on a new thread.
    ///
    /// - Parameter manners: what it asks of the scheduler before anything else.
    public init(_ manners: ThreadManners = .steppingBack(niceness: 10), _ body: @escaping @Sendable () -> Void) {
        final class Start {
            let manners: ThreadManners
            let body: @Sendable () -> Void
            init(_ manners: ThreadManners, _ body: @escaping @Sendable () -> Void) {
                self.manners = manners
                self.body = body
            }
        }
        let start = Unmanaged.passRetained(Start(manners, body))
        let status = pthread_create(
            &handle,
            nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.manners.take()
                start.body()
                return nil
            },
            start.toOpaque()
        )
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    /// Waits for the end of the body; once.
    public func join() {
        if !isJoined.exchange(true, ordering: .acquiringAndReleasing) { pthread_join(handle, nil) }
    }

    /// Lets the calling thread sleep.
    public static func sleep(milliseconds: Int) { usleep(UInt32(clamping: max(0, milliseconds) * 1000)) }
}
