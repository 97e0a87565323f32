import Logging
import NIOCore
import WireProtocol

extension ConnectionHandler {
    /// Ends what takes too long. Called by the loop's sweep.
    func look(_ now: NIODeadline) {
        let times = shared.load.limits
        noteReplies()
        if replies.isHeld {
            guard now - lastTaken < stallTimeout(times) else {
                shared.log.debug("a client takes no replies: its connection is closed")
                return close()
            }
            // Time to read the last bytes counts from when they are all on their way.
            if phase == .ending { began = now }
        }
        guard phase != .ending else {
            if now - began >= times.lingerTimeout { close() }
            return
        }
        if phase == .awaitingHello, now - began >= times.greetingTimeout {
            return end(WireError(.notGreeted, "no HELLO came within \(times.greetingTimeout.text)"))
        }
        if let frameBegun, now - frameBegun >= times.frameTimeout {
            return end(WireError(.malformedFrame, "a frame did not come to its end within \(times.frameTimeout.text)"))
        }
        if isQuiet, now - lastHeard >= times.idleTimeout { finish() }
    }

    /// While memory is short, clients that take nothing are not waited for.
    private func stallTimeout(_ times: ServerLimits) -> TimeAmount {
        shared.load.isOverBudget ? times.sweepInterval : times.stallTimeout
    }
}

extension TimeAmount {
    /// For a person, in whole seconds where it is that long.
    fileprivate var text: String {
        nanoseconds >= 1_000_000_000 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
    }
}
