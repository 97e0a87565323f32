// Which events count where a producer may send one more than once.

import FeatureModel

extension NaiveOracle {
    /// Without those that are known at K to be duplicates: another event that is known at K has the same time, the same id and
    /// a lesser position.
    ///
    /// - Parameter column: the id's; nil takes none away. An event without an id is no duplicate.
    public static func withoutDuplicates(_ events: [OracleEvent], _ column: Int?, knownAt: Int64) -> [OracleEvent] {
        guard let column else { return events }
        return events.filter { event in
            let isDuplicate = events.contains { other in
                other.arrival <= knownAt && other.time == event.time && other.isBefore(event)
                    && isSameID(other.values[column], event.values[column])
            }
            return !isDuplicate
        }
    }

    private static func isSameID(_ a: FeatureValue, _ b: FeatureValue) -> Bool {
        switch (a, b) {
        case (.int64(let x), .int64(let y)): x == y
        // By bytes: strings that only look alike are two.
        case (.string(let x), .string(let y)): Array(x.utf8) == Array(y.utf8)
        default: false
        }
    }
}
