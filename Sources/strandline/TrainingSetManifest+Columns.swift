import FeatureModel
import WireProtocol

extension TrainingSetManifest.Column {
    /// What came out of a feature.
    ///
    /// - Parameters:
    ///   - feature: its place in `result`.
    ///   - asOf: the label's time of each row.
    ///   - embargo: microseconds.
    init(
        name: String,
        of feature: Int,
        in result: TrainingColumns,
        asOf: [Instant],
        embargo: Int64,
        boundary: Boundary,
        statusColumn: Bool,
        eventTimeColumn: Bool
    ) {
        self.name = name
        self.feature = result.features[feature].reference
        type = result.features[feature].type.name
        self.embargo = TrainingEmbargo.text(embargo)
        nulls = result.statuses(feature).count { !$0.hasValue }
        statuses = [:]
        for status in result.statuses(feature) { statuses[status.status?.name ?? "", default: 0] += 1 }
        let ages = EventAges(result.eventTimes(feature), asOf: asOf, embargo: embargo, boundary: boundary)
        newestEvent = ages.newest.map { Instant(microseconds: $0).iso8601 }
        leastAge = ages.least
        leaks = ages.leaks
        self.statusColumn = statusColumn ? TrainingColumns.statusName(of: name) : nil
        self.eventTimeColumn = eventTimeColumn ? TrainingColumns.eventTimeName(of: name) : nil
    }
}

/// How old the newest events of cells were at the instants that the cells may look back from.
struct EventAges {
    /// The newest of all; nil where no event counted.
    private(set) var newest: Int64?
    /// The least distance of a cell's newest event to its limit, the label's time less the embargo, in microseconds.
    private(set) var least: Int64?
    /// Cells whose newest event lies at or after their limit; with the inclusive boundary after it.
    private(set) var leaks = 0
    /// The first of them.
    private(set) var firstLeak: Int?

    /// - Parameter times: of each row, in microseconds; `Int64.min` where no event counted.
    init(_ times: [Int64], asOf: [Instant], embargo: Int64, boundary: Boundary) {
        for (row, time) in times.enumerated() where time != .min {
            let limit = asOf[row].advanced(by: -embargo).microseconds
            let (age, overflow) = limit.subtractingReportingOverflow(time)
            newest = max(newest ?? time, time)
            if !overflow { least = min(least ?? age, age) }
            // By the labels and not by what was asked: this judges the reading.
            if time > limit || (boundary == .strict && time == limit) {
                leaks += 1
                firstLeak = firstLeak ?? row
            }
        }
    }
}
