import CJemalloc
import Scheduling

/// The process's allocator: jemalloc, for Swift's objects, RocksDB and librdkafka alike (decision 0021).
enum Allocator {
    /// Lets a thread of its own give memory back to the system, so that no lookup has to. Without it all works the same.
    ///
    /// It is made by a thread that steps back, and does so too.
    static func giveBackInBackground() {
        DedicatedThread {
            var isOn = true
            _ = mallctl("background_thread", nil, nil, &isOn, MemoryLayout<Bool>.size)
        }.join()
    }

    /// Gives back what is free now.
    static func giveBack() {
        // All arenas go by this number.
        _ = mallctl("arena.4096.purge", nil, nil, nil, 0)
    }
}
