import Hummingbird
import NIOCore

/// What Hummingbird hands along with a request: here its connection, which a client that is too slow loses.
struct HTTPContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// Closes the connection after a time, unless what is returned is cancelled before.
    func closeConnection(in time: TimeAmount) -> Scheduled<Void> {
        let channel = channel
        return channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
