internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The connection of a client, and who makes a new one when it is lost: one task for all calls that wait for it.
final class ConnectionKeeper: Sendable {
    private struct State {
        var newest: ServerConnection
        /// Calls that wait for a connection; nil while nobody makes one.
        var waiting: [EventLoopPromise<ServerConnection>]?
        var isClosed = false
    }

    private let state: NIOLockedValueBox<State>
    private let target: ConnectionTarget

    init(_ connection: ServerConnection, _ target: ConnectionTarget) {
        state = NIOLockedValueBox(State(newest: connection))
        self.target = target
    }

    /// The last connection that was made, open or not.
    var newest: ServerConnection { state.withLockedValue { $0.newest } }

    /// An open connection.
    ///
    /// - Throws: `closed`; `connectionLost` or `timedOut` when none could be made in time; the server's refusal.
    func connection(within time: Duration) async throws(ClientError) -> ServerConnection {
        let (newest, isClosed) = state.withLockedValue { ($0.newest, $0.isClosed) }
        guard !isClosed else { throw ClientError(.closed, "the client was closed") }
        if newest.isOpen { return newest }
        let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: ServerConnection.self)
        let isFirst = state.withLockedValue { state in
            guard state.waiting == nil else {
                state.waiting?.append(promise)
                return false
            }
            state.waiting = [promise]
            return true
        }
        if isFirst { Task { await connectAgain(until: .now + target.options.requestTimeout) } }
        // The first to complete the promise wins.
        let timeout = promise.futureResult.eventLoop.scheduleTask(in: TimeAmount(time)) {
            promise.fail(ClientError.lost("no connection in time"))
        }
        defer { timeout.cancel() }
        do { return try await promise.futureResult.get() } catch { throw ClientError(anything: error) }
    }

    /// Tries until it has a connection, the server refuses, or the time is over.
    private func connectAgain(until end: ContinuousClock.Instant) async {
        var pause = target.options.backoff.lowerBound
        while true {
            do throws(ClientError) {
                let connection = try await target.connect()
                let isWanted = state.withLockedValue { state in
                    if !state.isClosed { state.newest = connection }
                    return !state.isClosed
                }
                if !isWanted { await connection.close() }
                return finish(isWanted ? .success(connection) : .failure(ClientError(.closed, "the client was closed")))
            } catch {
                let rest = pause * Double.random(in: 0.5...1)
                guard error.isRetriable, .now + rest < end, !state.withLockedValue({ $0.isClosed }) else {
                    return finish(.failure(error))
                }
                try? await Task.sleep(for: rest)
                pause = min(pause * 2, target.options.backoff.upperBound)
            }
        }
    }

    private func finish(_ result: Result<ServerConnection, any Error>) {
        let waiting = state.withLockedValue { state in
            defer { state.waiting = nil }
            return state.waiting ?? []
        }
        for promise in waiting { promise.completeWith(result) }
    }

    func close() async {
        let connection = state.withLockedValue { state in
            state.isClosed = true
            return state.newest
        }
        await connection.close()
    }
}
