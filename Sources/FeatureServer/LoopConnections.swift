import FeatureHistory
import NIOCore

/// The connections of one event loop: what they share, when their replies go out, and who looks at the clock for them.
///
/// Replies wait until all that is to be read in a tick of the loop is read and answered, and go out then, one write a connection:
/// a client that serves many connections is woken once for all, and not once for each (a wake-up between two cores costs more
/// than a lookup). A tick with many connections or values is cut short (`ServerLimits`), so that clients have something to do meanwhile.
///
/// Each connection is looked at once a `sweepInterval`, some at a time, so that ten thousand of them cost no pause and none has
/// a timer.
final class LoopConnections {
    private let eventLoop: any EventLoop
    private let load: ServerLoad
    private var connections: [ConnectionHandler] = []
    private var next = 0
    private var timer: RepeatedTask?
    private var drained: EventLoopPromise<Void>?
    var isDraining: Bool { drained != nil }
    /// Requests of a loop are evaluated one after the other.
    let scratch = ReadScratch()
    /// At most a step of the sweep old. Only the sweep sets it, and tests do.
    var now = NIODeadline.now()
    private static let steps = 10

    /// Whose replies are to be written.
    private var withReplies: [ConnectionHandler] = []
    private var isWriting = false
    /// Values answered since replies were written.
    private var answeredCells = 0
    /// Buffers of replies that were written, to be used again.
    private var spareBuffers: [ByteBuffer] = []
    private static let spareBuffersMax = 128

    /// On the loop.
    init(_ load: ServerLoad, on eventLoop: any EventLoop) {
        self.load = load
        self.eventLoop = eventLoop
    }

    /// Begins to look.
    func start() {
        let pause = TimeAmount.nanoseconds(max(1_000_000, load.limits.sweepInterval.nanoseconds / Int64(Self.steps)))
        let connections = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in connections.value.step() }
    }

    // MARK: Replies

    /// Writes the connection's replies at the end of this tick.
    func writeSoon(_ connection: ConnectionHandler) {
        if withReplies.isEmpty, !isWriting {
            eventLoop.assumeIsolated().execute { self.writeReplies() }
        }
        withReplies.append(connection)
        if withReplies.count >= ServerLimits.tickConnectionsMax { writeReplies() }
    }

    /// Whether replies should be written before more requests are answered.
    var isTickLong: Bool { answeredCells > ServerLimits.tickCellsMax }

    func didAnswer(cells: Int) { answeredCells &+= cells }

    func writeReplies() {
        answeredCells = 0
        // A write may make room for a connection's next requests, and those are answered within this call.
        guard !isWriting else { return }
        isWriting = true
        var index = 0
        while index < withReplies.count {
            withReplies[index].flush()
            index += 1
        }
        withReplies.removeAll(keepingCapacity: true)
        isWriting = false
    }

    /// An empty buffer for replies.
    func buffer(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        guard var buffer = spareBuffers.popLast() else { return allocator.buffer(capacity: ReplyBuffer.usualByteCount) }
        // One that is still to be written gets bytes of its own here.
        buffer.clear()
        return buffer
    }

    /// Keeps a buffer that was handed to the system: mostly that has taken it wholly.
    func reuse(_ buffer: ByteBuffer) {
        guard spareBuffers.count < Self.spareBuffersMax, buffer.storageCapacity <= ReplyBuffer.reusedByteCountMax else {
            return
        }
        spareBuffers.append(buffer)
    }

    // MARK: Connections

    func add(_ connection: ConnectionHandler) {
        now = .now()
        connection.place = connections.count
        connections.append(connection)
    }

    func remove(_ connection: ConnectionHandler) {
        guard let place = connection.place else { return }
        connection.place = nil
        let last = connections.removeLast()
        if last !== connection {
            connections[place] = last
            last.place = place
        }
        if connections.isEmpty { drained?.succeed() }
    }

    private func step() {
        now = .now()
        guard !connections.isEmpty else { return }
        for _ in 0..<((connections.count - 1) / Self.steps + 1) {
            // Looking at one may end it.
            guard !connections.isEmpty else { return }
            next = next + 1 < connections.count ? next + 1 : 0
            connections[next].look(now)
        }
    }

    /// Takes no more requests, and ends each connection when what it has in flight is answered.
    ///
    /// - Returns: succeeds when there is no connection any more, or after `drainTimeout`.
    func drain() -> EventLoopFuture<Void> {
        let promise = drained ?? eventLoop.makePromise(of: Void.self)
        drained = promise
        for connection in connections { connection.drain() }
        guard !connections.isEmpty else {
            promise.succeed()
            return promise.futureResult
        }
        eventLoop.scheduleTask(in: load.limits.drainTimeout) { promise.succeed() }
        return promise.futureResult
    }

    func stop() { timer?.cancel() }
}
