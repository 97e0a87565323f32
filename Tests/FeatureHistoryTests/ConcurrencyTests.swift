import FeatureModel
import FeatureTesting
import Synchronization
import Testing
import Windowing

@testable import FeatureHistory

@Suite struct ConcurrencyTests {
    private final class Shared: Sendable {
        let isDone = Atomic<Bool>(false)
        let problems = Mutex<[String]>([])
        let reads = Atomic<Int>(0)
        func report(_ text: String) { problems.withLock { $0.append(text) } }
    }

    /// Users 1 and 2 get one event each in every commit, so at any K they agree, and K says how many there are: commit n
    /// arrives at n. Folds, evictions and cold reads go on meanwhile.
    @Test(.timeLimit(.minutes(1))) func readersSeeWholeCommits() throws {
        let world = try TestStore()
        let store = world.store
        let plan = world.plan
        let shared = Shared()
        let commits = 1500
        let far = World.start + 1_000_000 * World.second
        let firstArrival = world.clock.now.microseconds

        let readers = (0..<2).map { _ in
            TestThread {
                let scratch = ReadScratch()
                func count(_ user: Int64, _ point: ReadPoint) throws(StoreError) -> Int64 {
                    var failure: StoreError?
                    World.key(user, 0).withUnsafeBytes { key in
                        guard !store.readResident(plan, key: key, at: point, scratch) else { return }
                        do throws(StoreError) { try store.read(plan, key: key, at: point, scratch) } catch {
                            failure = error
                        }
                    }
                    if let failure { throw failure }
                    guard case .int64(let count) = scratch.cells.value(0, type: .int64) else { return -1 }
                    return count
                }
                var last: Int64 = 0
                do throws(StoreError) {
                    while !shared.isDone.load(ordering: .acquiring) {
                        let known = store.newestCommit
                        let point = ReadPoint(asOf: Instant(microseconds: far), knownAt: known)
                        store.warm([1, 2, 1, 77], plan, scratch)
                        let wanted = max(0, known.microseconds - firstArrival + 1)
                        let (one, two, again) = (try count(1, point), try count(2, point), try count(1, point))
                        if one != wanted || two != wanted || again != wanted {
                            shared.report(
                                "at K \(known.microseconds): \(one), \(two), \(again) where \(wanted) were committed"
                            )
                            return
                        }
                        if one < last { shared.report("K went back: \(one) after \(last)") }
                        last = one
                        shared.reads.wrappingAdd(1, ordering: .relaxed)
                    }
                } catch { shared.report("\(error)") }
            }
        }
        let folder = TestThread {
            do throws(StoreError) {
                while !shared.isDone.load(ordering: .acquiring) {
                    try store.fold()
                    store.evictAll()
                }
            } catch { shared.report("\(error)") }
        }
        for number in 0..<commits {
            world.clock.set(Instant(microseconds: firstArrival + Int64(number)))
            let records = [Int64(1), 2].map { user in
                // Every third event is late: it goes to the front of the history.
                let time = World.start + (number % 3 == 0 ? -Int64(number) : Int64(number)) * World.second
                return World.Record(
                    user: user,
                    card: user,
                    event: OracleEvent(
                        time: time,
                        arrival: 0,
                        position: OracleEvent.Place(partition: Int(user), offset: Int64(number)),
                        values: World.types.map { _ in .null }
                    )
                )
            }
            let arrival = try world.commit(records)
            #expect(arrival == firstArrival + Int64(number), "the test's own premise")
        }
        // The last commits must have been read, too.
        while shared.reads.load(ordering: .relaxed) < 100, shared.problems.withLock({ $0.isEmpty }) {}
        shared.isDone.store(true, ordering: .releasing)
        for reader in readers { reader.join() }
        folder.join()
        #expect(shared.problems.withLock { $0 } == [])
        let point = ReadPoint(asOf: Instant(microseconds: far), knownAt: .distantFuture)
        try world.check(1, 2, point, "at the end")
    }

    @Test func arrivalsStrictlyIncreaseWhateverTheClockDoes() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 1)
        var last: Int64 = 0
        for (index, step) in ([0, 5, -100_000, 0, 0, 1_000_000, -5, 1] as [Int64]).enumerated() {
            world.clock.advance(by: step)
            if index == 4 { try world.reopen() }
            let arrival = try world.commit(stream.next(1))
            #expect(arrival > last && arrival >= world.clock.now.microseconds)
            #expect(world.store.newestCommit.microseconds == arrival)
            last = arrival
        }
    }

    @Test func nothingToCommitIsNoCommit() throws {
        let world = try TestStore()
        var stream = RecordStream(seed: 1)
        let arrival = try world.commit(stream.next(1))
        #expect(try world.store.commit { _ throws(StoreError) in Commit() } == nil)
        #expect(world.store.newestCommit.microseconds == arrival)
        #expect { try world.store.commit { _ throws(StoreError) in throw StoreError(.refused, "no") } } throws: {
            ($0 as? StoreError)?.code == .refused
        }
        world.clock.advance(by: 10)
        #expect(try world.commit(stream.next(1)) > arrival, "an error in the body stops nothing")
        world.store.close()
        #expect { try world.store.commit { _ throws(StoreError) in Commit() } } throws: {
            ($0 as? StoreError)?.code == .stopped
        }
    }
}
