import FeatureModel
import FeatureServer

/// The result of a run, as `--output json` prints it: one line. Keys are snake_case there; instants are ISO 8601.
struct MaterializeReport: Encodable {
    /// Rows that the store has of a day and that the run did not meet.
    struct GoneDay: Encodable {
        var day: String
        var rows: Int
    }

    var source: String
    var files: [String]
    /// The interval of event time, `[start, end)`; absent: without that bound.
    var start: String?
    var end: String?
    var dryRun: Bool
    /// Rows of the files, and those of them that lie in the interval.
    var read: Int
    var selected: Int
    /// Rows that were not there before, and rows that were.
    var new: Int
    var present: Int
    var rejected: [String: Int]
    var rejectedRows: [RejectedRows.Named]
    /// Absent where the interval is not bounded on both sides: nothing was compared then.
    var gone: [GoneDay]?
    var goneRows: Int?
    /// What was compared: whole hours of the interval, behind the horizon.
    var comparedFrom: String?
    var comparedTo: String?
    /// The arrivals of the first and last commit of the run; absent where nothing was written.
    var knownFrom: String?
    var knownTo: String?
    /// From when on the source is complete; absent: from the beginning.
    var availableFrom: String?
    var seconds: Double

    /// Compares what the store holds with what the run met.
    mutating func compare(_ tally: EventTally, _ stored: FileRowsMessage) {
        let met = Self.met(tally, stored, dryRun: dryRun)
        var gone: [GoneDay] = []
        for day in stored.days {
            let rows = Int(clamping: day.rows) - (met[day.day] ?? 0)
            if rows > 0 { gone.append(GoneDay(day: day.day, rows: rows)) }
        }
        self.gone = gone
        goneRows = gone.reduce(0) { $0 + $1.rows }
        if stored.fromHour < stored.toHour {
            comparedFrom = Instant(microseconds: stored.fromHour * 3_600_000_000).iso8601
            comparedTo = Instant(microseconds: stored.toHour * 3_600_000_000).iso8601
        }
    }

    /// Rows that were there before, on the days of the run's rows, when the run met none of them: the same rows told apart by
    /// other fields would look like this.
    static func unmet(_ tally: EventTally, _ stored: FileRowsMessage, dryRun: Bool) -> Int {
        guard tally.present == 0, tally.new > 0 else { return 0 }
        let met = met(tally, stored, dryRun: dryRun)
        return stored.days.reduce(0) { sum, day in
            met[day.day].map { sum + max(0, Int(clamping: day.rows) - $0) } ?? sum
        }
    }

    /// Stored rows that the run met, by day. Of a dry run only what was there before is stored; else all that it had accepted.
    private static func met(_ tally: EventTally, _ stored: FileRowsMessage, dryRun: Bool) -> [String: Int] {
        var met: [String: Int] = [:]
        for (hour, rows) in tally.hours where hour >= stored.fromHour && hour < stored.toHour {
            let day = Instant(microseconds: hour * 3_600_000_000).iso8601.prefix(10)
            met[String(day), default: 0] += dryRun ? rows.known : rows.accepted
        }
        return met
    }

    /// For a terminal.
    var text: String {
        let reasons = rejected.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let rejectedCount = rejected.values.reduce(0, +)
        var lines = [
            "\(dryRun ? "dry run: " : "")read=\(read) selected=\(selected) new=\(new) present=\(present) "
                + "rejected=\(rejectedCount)\(reasons) seconds=\((seconds * 1000).rounded() / 1000)"
        ]
        if let gone, let goneRows {
            let compared = comparedFrom.flatMap { from in comparedTo.map { "whole hours of [\(from), \($0))" } }
            lines.append("gone=\(goneRows) compared: \(compared ?? "nothing, no whole hour")")
            for day in gone.prefix(20) { lines.append("  gone \(day.day): \(day.rows)") }
            if gone.count > 20 { lines.append("  and \(gone.count - 20) days more; --output json has all") }
        } else {
            lines.append("gone: not compared without --start and --end")
        }
        if let knownFrom, let knownTo { lines.append("known_from=\(knownFrom) known_to=\(knownTo)") }
        lines.append("available_from=\(availableFrom ?? "the beginning")")
        return lines.joined(separator: "\n")
    }
}
