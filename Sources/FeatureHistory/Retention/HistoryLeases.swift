import FeatureModel

/// Long reads that want history to stay where it is: whoever reads as known at a K holds a lease on it, renewed by every
/// request. Thread-safe; owned by the store.
///
///   request at K --> renew --> lease [begun, last used]      active: used within the last minute, begun within the last hour
///   horizon due  --> waits while any is active, an hour at most
final class HistoryLeases: @unchecked Sendable {
    // Safe to share: everything below is only touched inside `lock`.
    private let lock = ShardLock()
    private var leases: [Int64: Lease] = [:]
    private var dueSince: Int64?

    private struct Lease {
        var begun: Int64
        var used: Int64
        /// Horizons had moved so many times when it began.
        var moves: UInt64
    }

    private var moves: UInt64 = 0

    static let idleMax: Int64 = 60_000_000
    static let ageMax: Int64 = 3_600_000_000
    /// Beyond this many the oldest are forgotten.
    static let countMax = 4096

    /// - Returns: false when a horizon has moved since the lease began: what was read before may not fit what comes.
    func renew(_ knownAt: Instant, now: Instant) -> Bool {
        lock.withLock {
            let time = now.microseconds
            if var lease = leases[knownAt.microseconds] {
                guard lease.moves == moves else {
                    // Told once; who begins anew at this K is another reader.
                    leases[knownAt.microseconds] = nil
                    return false
                }
                lease.used = time
                leases[knownAt.microseconds] = lease
                return true
            }
            if leases.count >= Self.countMax { forgetOld(time) }
            leases[knownAt.microseconds] = Lease(begun: time, used: time, moves: moves)
            return true
        }
    }

    /// Whether horizons that are due may move now.
    func allowsMove(now: Instant) -> Bool {
        lock.withLock {
            let time = now.microseconds
            forgetOld(time)
            let isHeld = leases.values.contains {
                time &- $0.used < Self.idleMax && time &- $0.begun < Self.ageMax && $0.moves == moves
            }
            guard isHeld else {
                dueSince = nil
                return true
            }
            let since = dueSince ?? time
            dueSince = since
            return time &- since >= Self.ageMax
        }
    }

    func moved() {
        lock.withLock {
            moves += 1
            dueSince = nil
        }
    }

    /// Leases that nobody used for an hour; then, while there are still too many, the least recently used half.
    private func forgetOld(_ now: Int64) {
        leases = leases.filter { now &- $0.value.used < Self.ageMax }
        guard leases.count >= Self.countMax else { return }
        let middle = leases.values.map(\.used).sorted()[leases.count / 2]
        leases = leases.filter { $0.value.used > middle }
    }
}
