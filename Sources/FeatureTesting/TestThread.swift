import Glibc

/// A thread of its own for a test's work that blocks or spins: Swift's shared pool must not wait for it.
public final class TestThread: @unchecked Sendable {
    // Safe to share: the handle is written before the initialiser returns; `join` is called once, by the owner.
    private var handle = pthread_t()

    public init(_ body: @escaping @Sendable () -> Void) {
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
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    public func join() { pthread_join(handle, nil) }
}
