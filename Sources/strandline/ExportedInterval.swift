import FeatureModel

/// Event times in [start, end), as the command line gives them.
struct ExportedInterval {
    /// nil: from the first event on.
    let start: Instant?
    /// nil: to the last one.
    let end: Instant?
    /// Options whose times were written without a zone.
    let naive: [String]

    init(start: String?, end: String?) throws {
        self.start = try parseInstant(start, "--start")
        self.end = try parseInstant(end, "--end")
        naive = [("--start", start), ("--end", end)].compactMap { name, text in
            text.map(Self.hasZone) == false ? name : nil
        }
        guard let from = self.start, let until = self.end, from >= until else { return }
        throw Failure(
            .usage,
            "--end must be after --start: the interval is [start, end), and \(until.iso8601) is not after \(from.iso8601)"
        )
    }

    /// An ISO 8601 time that names a zone has a letter or a sign behind its time of day.
    private static func hasZone(_ text: String) -> Bool {
        text.count > 10 && text.dropFirst(11).contains { "Zz+-".contains($0) }
    }
}
