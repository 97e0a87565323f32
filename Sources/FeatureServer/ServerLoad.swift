import Atomics

/// What all connections of a server hold together. Counters without locks; only what is rare touches them, never a lookup
/// that is answered from memory, which reads one.
public final class ServerLoad: Sendable {
    public let limits: ServerLimits
    private let connections = ManagedAtomic(0)
    private let waiting = ManagedAtomic(0)
    private let bytes = ManagedAtomic(0)

    public init(_ limits: ServerLimits = ServerLimits()) { self.limits = limits }

    public var connectionCount: Int { connections.load(ordering: .relaxed) }
    /// Requests that the pool has not answered yet.
    public var waitingCount: Int { waiting.load(ordering: .relaxed) }
    /// Of requests, frames and replies, as `ServerLimits.byteCountMax` bounds them.
    public var byteCount: Int { bytes.load(ordering: .relaxed) }
    var isOverBudget: Bool { byteCount > limits.byteCountMax }

    /// - Returns: false when there are as many as there may be. Else `leave` is owed.
    func enter() -> Bool {
        guard connections.loadThenWrappingIncrement(ordering: .relaxed) < limits.connectionsMax else {
            leave()
            return false
        }
        return true
    }

    func leave() { connections.wrappingDecrement(ordering: .relaxed) }

    /// Takes a place for a request that waits for the pool.
    ///
    /// - Parameter isShort: the request and its reply take next to nothing: memory is not asked for.
    /// - Returns: false when there is none. Else `release` is owed.
    func admit(byteCount: Int, isShort: Bool = false) -> Bool {
        guard waiting.loadThenWrappingIncrement(ordering: .relaxed) < limits.waitingMax else {
            waiting.wrappingDecrement(ordering: .relaxed)
            return false
        }
        guard bytes.wrappingIncrementThenLoad(by: byteCount, ordering: .relaxed) <= limits.byteCountMax || isShort
        else {
            release(byteCount: byteCount)
            return false
        }
        return true
    }

    func release(byteCount: Int) {
        waiting.wrappingDecrement(ordering: .relaxed)
        hold(-byteCount)
    }

    /// Counts bytes that are held anyway, or with a negative number no longer.
    func hold(_ byteCount: Int) {
        guard byteCount != 0 else { return }
        bytes.wrappingIncrement(by: byteCount, ordering: .relaxed)
    }
}
