import NIOConcurrencyHelpers
import NIOCore

/// What all requests of an HTTP server share.
final class HTTPState: Sendable {
    /// The longest body of a request.
    static let bodyByteCountMax = 2 << 20
    /// Bodies and answers of all connections together.
    static let budgetByteCount = 64 << 20
    /// How long a body may take to come in, and an answer to go out: what they hold of the budget is not held for ever.
    static let bodyTimeMax = TimeAmount.seconds(20)
    static let answerTimeMax = TimeAmount.seconds(60)

    struct Counted: Hashable {
        /// nil: a path that there is not.
        var endpoint: Endpoint?
        var code: Int
    }

    let budget = ByteBudget(byteCountMax: HTTPState.budgetByteCount)
    let lookups = LookupCache()
    let scratches = ScratchPool()
    private let counts = NIOLockedValueBox<[Counted: UInt64]>([:])
    private let stopping = NIOLockedValueBox(false)

    var isStopping: Bool { stopping.withLockedValue { $0 } }

    func stop() { stopping.withLockedValue { $0 = true } }

    func count(_ endpoint: Endpoint?, _ code: Int) {
        counts.withLockedValue { $0[Counted(endpoint: endpoint, code: code), default: 0] += 1 }
    }

    /// Answered requests since the start, by path and status code.
    var requestCounts: [(endpoint: String, code: Int, count: UInt64)] {
        counts.withLockedValue { $0 }.map { ($0.key.endpoint?.rawValue ?? "other", $0.key.code, $0.value) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }
}
