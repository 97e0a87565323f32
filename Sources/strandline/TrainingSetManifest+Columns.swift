import FeatureModel
import WireProtocol

/// What came out of the features, over all rows so far.
struct TrainingSetTally {
    struct Feature {
        /// By the byte that a status is.
        var statuses = [Int](repeating: 0, count: 256)
        var ages = EventAges()
    }

    private(set) var features: [Feature]

    init(featureCount: Int) { features = Array(repeating: Feature(), count: featureCount) }

    mutating func add(_ columns: TrainingColumns) {
        for feature in features.indices {
            columns.statuses(feature).withUnsafeBufferPointer { statuses in
                for status in statuses { features[feature].statuses[Int(status.rawValue)] += 1 }
            }
            features[feature].ages.add(columns.ages(feature))
        }
    }
}

extension TrainingSetManifest.Column {
    /// What came out of a feature.
    ///
    /// - Parameter embargo: microseconds.
    init(
        name: String,
        feature: String,
        type: FeatureType,
        tally: TrainingSetTally.Feature,
        embargo: Int64,
        statusColumn: Bool,
        eventTimeColumn: Bool
    ) {
        self.name = name
        self.feature = feature
        self.type = type.name
        self.embargo = TrainingEmbargo.text(embargo)
        nulls = 0
        statuses = [:]
        for (byte, count) in tally.statuses.enumerated() where count > 0 {
            let status = StatusByte(rawValue: UInt8(byte))
            if !status.hasValue { nulls += count }
            statuses[status.status?.name ?? "", default: 0] += count
        }
        newestEvent = tally.ages.newest.map { Instant(microseconds: $0).iso8601 }
        leastAge = tally.ages.least
        leaks = tally.ages.leaks
        self.statusColumn = statusColumn ? TrainingColumns.statusName(of: name) : nil
        self.eventTimeColumn = eventTimeColumn ? TrainingColumns.eventTimeName(of: name) : nil
    }
}
