import Glibc

/// A thread of its own for work that blocks: consuming, forwarding, folding. Swift's shared pool must never wait.
///
/// It steps back (`nice`) behind the threads that answer lookups: a lookup takes microseconds and somebody waits for it, and where
/// processors are scarce it would wait milliseconds for a time slice of ingest. Threads that it makes, such as librdkafka's, do
/// so too.
final class DedicatedThread: @unchecked Sendable {
    // Safe to share: the handle is written once, before the initialiser returns, and joined once under `joined`.
    private var handle = pthread_t()
    private let joined = Flag()
    /// At this one a thread gets a tenth of the processor time of a usual one where both want all.
    private static let niceness: Int32 = 10

    /// Starts `body` on a new thread.
    init(_ body: @escaping @Sendable () -> Void) {
        final class Start {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let start = Unmanaged.passRetained(Start(body))
        let status = pthread_create(
            &handle,
            nil,
            { context in
                guard let context else { return nil }
                // Of this thread alone, as Linux has it. Without it all works the same, and waits more.
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, DedicatedThread.niceness)
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    /// Waits for the end of the body; once.
    func join() {
        if joined.set() { pthread_join(handle, nil) }
    }

    /// Lets the calling thread sleep.
    static func sleep(milliseconds: Int) { usleep(UInt32(clamping: max(0, milliseconds) * 1000)) }
}
