// How the threads of a process share processors that are scarce:
//
//   event loops      short time slices      run within microseconds of a packet, whoever else computes
//   short reads      short time slices      single lookups that a loop had to leave: cold, or their shard was busy
//   reader pool      niceness 5             large reads: somebody waits for them, but behind the loops
//   ingest, upkeep   niceness 10            what has no one waiting behind it but the next event
//
// With `serve --real-time` the loops for lookups go before every usual thread of the machine.

import CScheduling
import Glibc
import Synchronization

/// What a thread asks of the Linux scheduler, for itself. All but `realTime` are wishes: where the kernel does not grant them
/// all works the same, and waits more.
public enum ThreadManners: Sendable {
    /// Behind threads that are less nice; 1 to 19: at 10 a thread gets a tenth of the processor time of a usual one where both
    /// want all. Threads that this one makes do so too.
    case steppingBack(niceness: Int32)

    /// Time slices of 100 us, the least that Linux grants, in place of some milliseconds.
    ///
    /// Since Linux 6.12 a thread that wakes up takes the processor at once from one whose slice is longer (EEVDF with
    /// PREEMPT_SHORT); it gets no larger share. For threads that run for microseconds and that somebody waits for. Older kernels
    /// ignore it.
    case shortSlices

    /// Before all threads that are not real-time (SCHED_RR, the lowest priority of it): runs the moment that it wakes up, for as
    /// long as it has work. Threads that this one makes are usual ones. Needs a right: see `mayBeRealTime`.
    ///
    /// Shares of processor time, of which the two above have a part, are handed out in pieces that may last until the clock's
    /// next tick (4 ms at 250 Hz), whatever the slices; a thread in real time takes no part in them.
    case realTime

    /// Asks for it, for the calling thread.
    ///
    /// - Returns: whether the kernel granted it.
    @discardableResult
    public func take() -> Bool {
        switch self {
        case .steppingBack(let niceness):
            // Of this thread alone, as Linux has it.
            return setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) == 0
        case .shortSlices:
            guard var attributes = Self.attributes(), attributes.policy == SCHED_OTHER else { return false }
            attributes.runtime = Self.sliceNanoseconds
            return strandline_sched_setattr(&attributes) == 0
        case .realTime:
            var attributes = Self.empty
            attributes.policy = UInt32(SCHED_RR)
            attributes.priority = 1
            attributes.flags = UInt64(STRANDLINE_SCHED_RESET_ON_FORK)
            return strandline_sched_setattr(&attributes) == 0
        }
    }

    /// Whether threads of this process may be `realTime`: root may, and whoever has CAP_SYS_NICE or an RLIMIT_RTPRIO of 1 or more.
    /// Tried on a thread that ends at once.
    public static func mayBeRealTime() -> Bool {
        let isGranted = Atomic<Bool>(false)
        DedicatedThread(.shortSlices) { isGranted.store(ThreadManners.realTime.take(), ordering: .releasing) }.join()
        return isGranted.load(ordering: .acquiring)
    }

    /// What the calling thread has: its niceness, its slices in nanoseconds (0 where the kernel has none to tell), whether it is
    /// `realTime`.
    static func current() -> (niceness: Int32, sliceNanoseconds: UInt64, isRealTime: Bool)? {
        attributes().map { ($0.nice, $0.runtime, $0.policy == UInt32(SCHED_RR)) }
    }

    private static func attributes() -> strandline_sched_attr? {
        var attributes = empty
        return strandline_sched_getattr(&attributes) == 0 ? attributes : nil
    }

    private static var empty: strandline_sched_attr {
        var attributes = strandline_sched_attr()
        attributes.size = UInt32(MemoryLayout<strandline_sched_attr>.size)
        return attributes
    }

    private static let sliceNanoseconds: UInt64 = 100_000
}
