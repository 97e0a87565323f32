/// Latencies by the microsecond, up to a second; longer ones count as a second.
struct LatencyHistogram {
    private var counts = [UInt32](repeating: 0, count: 1_000_001)
    private(set) var total = 0

    mutating func add(nanoseconds: UInt64) {
        counts[Int(min(nanoseconds / 1000, 1_000_000))] += 1
        total += 1
    }

    mutating func removeAll() { self = LatencyHistogram() }

    /// The latency that `share` of all do not exceed. Microseconds.
    func percentile(_ share: Double) -> Int {
        let wanted = Int((Double(total) * share).rounded(.up))
        var seen = 0
        for (microseconds, count) in counts.enumerated() {
            seen += Int(count)
            if seen >= max(wanted, 1) { return microseconds }
        }
        return 0
    }
}
