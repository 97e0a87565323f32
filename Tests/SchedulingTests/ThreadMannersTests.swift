import Glibc
import Synchronization
import Testing

@testable import Scheduling

@Suite struct ThreadMannersTests {
    /// What a thread has after `body`.
    private func manners(
        niceness: Int32,
        _ body: @escaping @Sendable () -> Void = {}
    ) -> (niceness: Int32, sliceNanoseconds: UInt64, isRealTime: Bool)? {
        let found = Mutex<(niceness: Int32, sliceNanoseconds: UInt64, isRealTime: Bool)?>(nil)
        withExtendedLifetime(found) {
            DedicatedThread(.steppingBack(niceness: niceness)) {
                body()
                let current = ThreadManners.current()
                found.withLock { $0 = current }
            }.join()
        }
        return found.withLock { $0 }
    }

    @Test func aThreadStepsBackAndThisOneDoesNot() throws {
        let before = try #require(ThreadManners.current())
        #expect(manners(niceness: 12)?.niceness == 12)
        #expect(ThreadManners.current()?.niceness == before.niceness)
    }

    @Test func threadsThatItMakesStepBackToo() {
        let inner = Mutex<Int32?>(nil)
        withExtendedLifetime(inner) {
            DedicatedThread(.steppingBack(niceness: 7)) {
                // The default would be 10: nobody may become less nice.
                DedicatedThread(.steppingBack(niceness: 7)) {
                    let current = ThreadManners.current()
                    inner.withLock { $0 = current?.niceness }
                }.join()
            }.join()
        }
        #expect(inner.withLock { $0 } == 7)
    }

    @Test func shortSlicesKeepTheNiceness() throws {
        let usual = try #require(manners(niceness: 3))
        let short = try #require(manners(niceness: 3) { ThreadManners.shortSlices.take() })
        #expect(short.niceness == 3)
        // A kernel before 6.12 tells no slices, and takes none.
        #expect(usual.sliceNanoseconds == 0 || short.sliceNanoseconds == 100_000)
    }

    /// Where the machine grants it, as to root; else it is refused, and the thread stays as it was.
    @Test func realTimeIsForTheThreadAlone() throws {
        let inner = Mutex<Bool?>(nil)
        let outer = withExtendedLifetime(inner) {
            manners(niceness: 3) {
                ThreadManners.realTime.take()
                DedicatedThread(.shortSlices) {
                    let current = ThreadManners.current()
                    inner.withLock { $0 = current?.isRealTime }
                }.join()
            }
        }
        let isPermitted = Atomic<Bool>(false)
        DedicatedThread(.shortSlices) {
            var priority = sched_param()
            priority.sched_priority = 1
            isPermitted.store(pthread_setschedparam(pthread_self(), SCHED_RR, &priority) == 0, ordering: .releasing)
        }.join()
        #expect(try #require(outer).isRealTime == isPermitted.load(ordering: .acquiring))
        #expect(ThreadManners.mayBeRealTime() == isPermitted.load(ordering: .acquiring))
        #expect(inner.withLock { $0 } == false)
        #expect(try #require(ThreadManners.current()).isRealTime == false)
    }

    @Test func joiningTwiceIsJoiningOnce() {
        let thread = DedicatedThread {}
        thread.join()
        thread.join()
    }
}
