// How the threads of a process share processors that are scarce:
//
//   event loops      short time slices      run within microseconds of a packet, whoever else computes
//   short reads      short time slices      single lookups that a loop had to leave: cold, or their shard was busy
//   reader pool      niceness 5             large reads: somebody waits for them, but behind the loops
//   ingest, upkeep   niceness 10            what has no one waiting behind it but the next event

import CScheduling
import Glibc

/// What a thread asks of the Linux scheduler, for itself. Every call is a wish: where the kernel does not grant it all works
/// the same, and waits more.
public enum ThreadManners {
    /// Asks for time slices of 100 us, the least that Linux grants, in place of some milliseconds.
    ///
    /// Since Linux 6.12 a thread that wakes up takes the processor at once from one whose slice is longer (EEVDF with
    /// PREEMPT_SHORT); it gets no larger share. For threads that run for microseconds and that somebody waits for. Older kernels
    /// ignore it.
    public static func takeShortSlices() {
        var attributes = strandline_sched_attr()
        attributes.size = UInt32(MemoryLayout<strandline_sched_attr>.size)
        guard strandline_sched_getattr(&attributes) == 0, attributes.policy == SCHED_OTHER else { return }
        attributes.runtime = sliceNanoseconds
        _ = strandline_sched_setattr(&attributes)
    }

    /// Steps back behind threads that are less nice. Threads that this one makes do so too.
    ///
    /// - Parameter niceness: 1 to 19; at 10 a thread gets a tenth of the processor time of a usual one where both want all.
    public static func stepBack(to niceness: Int32) {
        // Of this thread alone, as Linux has it.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }

    /// What the calling thread has: its niceness, and its slices in nanoseconds (0 where the kernel has none to tell).
    static func current() -> (niceness: Int32, sliceNanoseconds: UInt64)? {
        var attributes = strandline_sched_attr()
        attributes.size = UInt32(MemoryLayout<strandline_sched_attr>.size)
        guard strandline_sched_getattr(&attributes) == 0 else { return nil }
        return (attributes.nice, attributes.runtime)
    }

    private static let sliceNanoseconds: UInt64 = 100_000
}
