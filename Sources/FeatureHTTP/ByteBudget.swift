import NIOConcurrencyHelpers

/// What bodies of requests and answers of all connections may take together: slow clients, however many, cannot fill the
/// memory.
final class ByteBudget: Sendable {
    let byteCountMax: Int
    private let taken = NIOLockedValueBox(0)

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    fileprivate func take(_ count: Int) -> Bool {
        taken.withLockedValue { taken in
            guard count <= byteCountMax - taken else { return false }
            taken += count
            return true
        }
    }

    fileprivate func give(_ count: Int) { taken.withLockedValue { $0 -= count } }

    /// For tests.
    var takenByteCount: Int { taken.withLockedValue { $0 } }
}

/// One request's part of the budget, from its first byte until its answer was sent or dropped.
final class ByteShare: Sendable {
    private let budget: ByteBudget
    private let held = NIOLockedValueBox(0)

    init(_ budget: ByteBudget) { self.budget = budget }

    deinit { budget.give(held.withLockedValue { $0 }) }

    /// - Returns: false when the budget has no such room; nothing changes then.
    func grow(by count: Int) -> Bool {
        guard budget.take(count) else { return false }
        held.withLockedValue { $0 += count }
        return true
    }

    /// Holds this many bytes from now on, and no longer what was held before.
    ///
    /// - Returns: false when the budget has no such room; nothing is held then.
    func replace(with count: Int) -> Bool {
        let before = held.withLockedValue { held in
            defer { held = 0 }
            return held
        }
        budget.give(before)
        return grow(by: count)
    }
}
