import FeatureHistory
import NIOCore

/// The connections of one event loop: what they share, and who looks at the clock for them. Each is looked at once a
/// `sweepInterval`, some at a time, so that ten thousand of them cost no pause and none has a timer.
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
