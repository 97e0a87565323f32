// Decoding and committing side by side.
//
//   consumer thread   consume, decode n+2 | wait while n+1 waits | consume, decode n+3 | ...
//   commit thread     commit n            | commit n+1           | commit n+2          | ...
//
// Batches are committed in the order in which they were handed over. One waits at most, so three row sets are enough:
// one being filled, one waiting, one being committed. After a commit that failed, or was stale, nothing that was decoded
// behind it may be committed, since its offsets would skip what was lost: such batches are dropped, and the consumer
// begins again from the stored offsets.

import NIOConcurrencyHelpers
import Scheduling

/// Commits batches on a thread of its own. Handed batches by one thread, which also ends it.
final class CommitThread: Sendable {
    /// How many row sets a consumer thread needs to use them in turn.
    static let rowSetCount = 3

    private enum Slot { case empty, full }

    /// What came of the batches so far, behind `lock`.
    private struct State {
        var waiting: DecodedBatch?
        var isEnding = false
        var results: [BatchCommitter.Result] = []
        var failure: IngestError?
    }

    private final class Shared: @unchecked Sendable {
        // Safe to share: `state` is touched under `lock` only.
        let lock = ConditionLock(value: Slot.empty)
        var state = State()
    }

    private let shared = Shared()
    private let thread: DedicatedThread

    init(_ committer: BatchCommitter) {
        let shared = shared
        thread = DedicatedThread { Self.run(committer, shared) }
    }

    /// Hands a batch over; waits while another one waits.
    func submit(_ batch: DecodedBatch) {
        shared.lock.lock(whenValue: .empty)
        shared.state.waiting = batch
        shared.lock.unlock(withValue: .full)
    }

    /// The results since the last call, in order; and why a commit failed, after which none was tried.
    func takeResults() -> (results: [BatchCommitter.Result], failure: IngestError?) {
        shared.lock.lock()
        defer { shared.lock.unlock() }
        defer { shared.state.results.removeAll(keepingCapacity: true) }
        return (shared.state.results, shared.state.failure)
    }

    /// Commits what waits and ends the thread; once, and nothing is handed over after it.
    func finish() {
        shared.lock.lock(whenValue: .empty)
        shared.state.isEnding = true
        shared.lock.unlock(withValue: .full)
        thread.join()
    }

    private static func run(_ committer: BatchCommitter, _ shared: Shared) {
        var isOver = false
        while true {
            shared.lock.lock(whenValue: .full)
            let batch = shared.state.waiting.take()
            let isEnding = shared.state.isEnding
            shared.lock.unlock(withValue: .empty)
            guard !isEnding else { return }
            guard let batch, !isOver else { continue }
            do throws(IngestError) {
                let result = try committer.commit(batch)
                isOver = result.isStale
                shared.lock.lock()
                shared.state.results.append(result)
                shared.lock.unlock()
            } catch {
                isOver = true
                shared.lock.lock()
                shared.state.failure = error
                shared.lock.unlock()
            }
        }
    }
}
