// When each commit became readable: the newest visible commit, looked at every 0.1 ms.
//
// An event's arrival names its commit. It is readable from the moment when a reader who asks for the newest sees a commit
// as new as that; the moment that counts is the look that found it.

@testable import FeatureHistory
import FeatureModel
import Glibc
import Windowing

struct CommitTimes {
    private var arrivals: [Int64] = []
    private var seen: [Int64] = []
    private var lastLook = Measure.nanoseconds()
    /// The longest time between two looks. Nanoseconds.
    private(set) var gapMax: UInt64 = 0

    var count: Int { arrivals.count }

    /// Looks once, and sleeps a little.
    mutating func look(at store: FeatureStore) {
        let newest = store.newestCommit.microseconds
        if newest != arrivals.last {
            arrivals.append(newest)
            seen.append(Measure.wallMicroseconds())
        }
        let now = Measure.nanoseconds()
        gapMax = max(gapMax, now - lastLook)
        lastLook = now
        usleep(50)  // the kernel adds about as much again
    }

    /// For every event of the store: from its event time, which is its send, until it was readable. Sorted, microseconds.
    func latencies(of store: FeatureStore) throws -> [Int64] {
        guard let types = store.catalog.histories.first?.types else { return [] }
        var latencies: [Int64] = []
        for shard in store.resident.shards {
            shard.unfolded(0..<shard.slotCount, after: .min, through: .max) { _ in
                EventBatch(types: types)
            } _: { _, events in
                for row in 0..<events.count { latencies.append(seen[place(events.arrivals[row])] - events.times[row]) }
            }
        }
        return latencies.sorted()
    }

    /// The first look that found this arrival or a later one.
    private func place(_ arrival: Int64) -> Int {
        var low = 0
        var high = arrivals.count - 1
        while low < high {
            let middle = (low + high) / 2
            if arrivals[middle] < arrival { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
