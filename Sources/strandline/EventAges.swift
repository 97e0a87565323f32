import FeatureModel

/// What a cell's newest event is compared with: its label's time less the embargo.
///
/// By the labels and not by what was asked: this judges the reading.
struct EventLimits {
    /// The label's time of each row.
    let asOf: [Instant]
    /// Microseconds.
    let embargo: Int64
    let boundary: Boundary
}

/// How old the newest events of cells were at the instants that the cells may look back from.
struct EventAges {
    /// The newest of all; nil where no event counted.
    private(set) var newest: Int64?
    /// The least distance of a cell's newest event to its limit, the label's time less the embargo, in microseconds.
    private(set) var least: Int64?
    /// Cells whose newest event lies at or after their limit; with the inclusive boundary after it.
    private(set) var leaks = 0
    /// The first row that has one.
    private(set) var firstLeak: Int?

    /// - Parameter times: of each of the rows, in microseconds; `Int64.min` where no event counted.
    mutating func add(_ times: [Int64], rows: ArraySlice<UInt32>, _ limits: EventLimits) {
        var newest = newest ?? .min
        var least = least ?? .max
        var isNear = least != .max
        for (time, row) in zip(times, rows) where time != .min {
            let limit = limits.asOf[Int(row)].advanced(by: -limits.embargo).microseconds
            let (age, overflow) = limit.subtractingReportingOverflow(time)
            newest = max(newest, time)
            if !overflow {
                least = min(least, age)
                isNear = true
            }
            if time > limit || (limits.boundary == .strict && time == limit) {
                leaks += 1
                firstLeak = min(firstLeak ?? Int(row), Int(row))
            }
        }
        if newest != .min { self.newest = newest }
        if isNear { self.least = least }
    }

    /// - Parameter other: of other rows. Its `firstLeak` does not count here.
    mutating func add(_ other: EventAges) {
        if let found = other.newest { newest = max(newest ?? found, found) }
        if let found = other.least { least = min(least ?? found, found) }
        leaks += other.leaks
    }
}
