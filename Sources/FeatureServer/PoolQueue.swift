import NIOCore
import WireProtocol

/// A request that may block, with all that it needs.
struct PoolRequest {
    var requestID: UInt32
    /// What it holds while it waits.
    var byteCount: Int
    /// When its answer is of no more use.
    var expiry: NIODeadline?
    /// It was the event loop's to answer, but for a shard that was busy or an entity that was not in memory: it is answered
    /// though memory is short.
    var isShort = false
    /// Appends the reply.
    var work: @Sendable (inout ByteBuffer) throws(WireError) -> Void
}

/// The requests of one connection that the pool is to answer: a few are computed at a time, the others wait here in order.
/// Lives on the connection's event loop.
struct PoolQueue {
    private let load: ServerLoad
    private var waiting: CircularBuffer<PoolRequest>?
    /// Requests that are computed.
    private(set) var running = 0
    /// Requests without an answer, and their bytes.
    private(set) var count = 0
    private(set) var byteCount = 0

    init(_ load: ServerLoad) { self.load = load }

    /// Whether another request may be taken from the connection.
    var hasRoom: Bool {
        count < load.limits.waitingOfConnectionMax && byteCount < load.limits.waitingOfConnectionByteCountMax
    }

    /// - Throws: `OVERLOADED` when the server has as many as it may have.
    mutating func append(_ request: PoolRequest) throws(WireError) {
        guard load.admit(byteCount: request.byteCount, isShort: request.isShort) else { throw .overloaded() }
        count += 1
        byteCount += request.byteCount
        if waiting == nil { waiting = CircularBuffer(initialCapacity: 4) }
        waiting?.append(request)
    }

    /// The next request to compute; nil when there is none, or enough are computed. `finished` is owed.
    mutating func next() -> PoolRequest? {
        guard running < load.limits.computedOfConnectionMax, let request = waiting?.popFirst() else { return nil }
        running += 1
        return request
    }

    mutating func finished(_ byteCount: Int) {
        running -= 1
        forget(byteCount)
    }

    /// Forgets those that nobody computes yet.
    mutating func removeWaiting() {
        while let request = waiting?.popFirst() { forget(request.byteCount) }
        waiting = nil
    }

    private mutating func forget(_ byteCount: Int) {
        count -= 1
        self.byteCount -= byteCount
        load.release(byteCount: byteCount)
        if count == 0 { waiting = nil }
    }
}

extension PoolRequest {
    /// The reply, or the ERROR. On the pool.
    ///
    /// - Parameter isActive: false when the pool is going down.
    func answer(_ load: ServerLoad, isActive: Bool) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 1024)
        do throws(WireError) {
            guard isActive else { throw .stopping() }
            if let expiry, expiry <= .now() { throw .deadlineExceeded() }
            guard isShort || !load.isOverBudget else { throw .overloaded() }
            try work(&buffer)
        } catch {
            FrameWriter.writeError(error, requestID: requestID, into: &buffer)
        }
        return buffer
    }
}

extension WireError {
    static func overloaded() -> WireError {
        WireError(.overloaded, "too much is waiting on this server; retry in a moment, or ask for less at once")
    }

    static func stopping() -> WireError { WireError(.notReady, "the server is stopping") }

    static func deadlineExceeded() -> WireError {
        WireError(.deadlineExceeded, "the deadline was over before the request could be computed")
    }
}
