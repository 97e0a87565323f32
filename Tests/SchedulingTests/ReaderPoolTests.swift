import Scheduling
import Synchronization
import Testing

@Suite struct ReaderPoolTests {
    /// A place for what came, in the order in which it came.
    private final class Log: Sendable {
        private let entries = Mutex<[String]>([])
        var all: [String] { entries.withLock { $0 } }
        func note(_ text: String) { entries.withLock { $0.append(text) } }
    }

    @Test func oneThreadWorksInTheOrderOfTheCalls() async throws {
        let pool = ReaderPool(threads: 1)
        let log = Log()
        for number in 0..<1000 { pool.submit { log.note("\(number) \($0)") } }
        try await pool.run {}
        await pool.stop()
        #expect(log.all == (0..<1000).map { "\($0) true" })
    }

    @Test func everyWorkIsDoneOnceWhoeverSubmits() async throws {
        let pool = ReaderPool(threads: 3)
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for part in 0..<8 {
                group.addTask {
                    var sum = 0
                    for number in 0..<500 { sum += try await pool.run { part * 500 + number } }
                    return sum
                }
            }
            return try await group.reduce(0, +)
        }
        await pool.stop()
        #expect(sums == 4000 * 3999 / 2)
    }

    @Test func whatWaitsAtTheEndIsToldSo() async {
        let pool = ReaderPool(threads: 0)
        let log = Log()
        for number in 0..<3 { pool.submit { log.note("\(number) \($0)") } }
        #expect(log.all.isEmpty)
        await pool.stop()
        #expect(log.all == ["0 false", "1 false", "2 false"])
        pool.submit { log.note("3 \($0)") }
        #expect(log.all.last == "3 false")
        await #expect(throws: CancellationError.self) { try await pool.run {} }
    }

    /// Whatever way the calls and the end fall together, nobody waits for ever and nothing is done twice.
    @Test func callsThatMeetTheEndAreAnsweredOnce() async {
        for _ in 0..<200 {
            let pool = ReaderPool(threads: 2)
            let shared = Counter()
            async let submitted: Void = {
                for _ in 0..<50 { pool.submit { _ in shared.add() } }
            }()
            await pool.stop()
            await submitted
            #expect(shared.value == 50)
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .sequentiallyConsistent) }
        func add() { count.add(1, ordering: .sequentiallyConsistent) }
    }

    @Test func errorsComeBack() async {
        struct Trouble: Error {}
        let pool = ReaderPool(threads: 1)
        await #expect(throws: Trouble.self) { try await pool.run { throw Trouble() } }
        await pool.stop()
    }
}
