import FeatureModel
import Glibc

/// The zone of times that are written without one. The zone data is the system's, read by the C library.
///
/// One a process: naming a zone sets `TZ`.
struct TimestampZone {
    static let utc = "UTC"

    let name: String
    /// Whether somebody named it, so that nobody needs to be told.
    let isGiven: Bool

    init(_ name: String?) throws {
        self.name = name ?? Self.utc
        isGiven = name != nil
        guard let name, name != Self.utc else { return }
        let folder = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
        var information = stat()
        let isName = !name.isEmpty && !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
        guard isName, stat("\(folder)/\(name)", &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            Self.isZone("\(folder)/\(name)")
        else {
            throw Failure(
                .usage,
                "--timestamp-zone: there is no zone '\(name)' in \(folder); write for example Europe/Berlin or UTC"
            )
        }
        setenv("TZ", ":\(name)", 1)
        tzset()
    }

    /// Whether a file begins as zone data do (RFC 9636): other files of that folder would be taken for UTC in silence.
    private static func isZone(_ path: String) -> Bool {
        guard let file = fopen(path, "r") else { return false }
        defer { fclose(file) }
        var magic = [UInt8](repeating: 0, count: 4)
        return fread(&magic, 1, 4, file) == 4 && magic == Array("TZif".utf8)
    }

    /// Moves times that were read as UTC to where the zone has them. Those that it has not, or has twice, become nil, with
    /// the reason.
    func place(_ times: inout [Instant?], where lackZone: [Bool], _ refuse: (_ row: Int, _ reason: String) -> Void) {
        guard name != Self.utc else { return }
        for row in times.indices where lackZone[row] {
            guard let shown = times[row] else { continue }
            let found = instants(showing: shown)
            times[row] = found.count == 1 ? found.first : nil
            guard found.count != 1 else { continue }
            let why = found.isEmpty ? "clocks were put forward over it" : "clocks were put back to it, so it was twice"
            refuse(row, "holds \(shown.iso8601.dropLast()), which \(name) does not have once: \(why); write its offset")
        }
    }

    /// The instants at which clocks of the zone showed a time, oldest first: one; none where clocks were put forward over
    /// it; two where they were put back to it.
    ///
    /// - Parameter shown: the time as if it were UTC.
    func instants(showing shown: Instant) -> [Instant] {
        guard name != Self.utc else { return [shown] }
        let second = shown.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let seconds = second.remainder < 0 ? second.quotient - 1 : second.quotient
        // Zones change their offset less often than every two days.
        let offsets = Set([Self.offset(at: seconds - 86_400), Self.offset(at: seconds + 86_400)].compactMap { $0 })
        return offsets.filter { Self.offset(at: seconds - $0) == $0 }.sorted(by: >).map {
            shown.advanced(by: -$0 * 1_000_000)
        }
    }

    /// Seconds east of UTC at a second since the epoch; nil beyond the C library's years.
    private static func offset(at seconds: Int64) -> Int64? {
        var time = time_t(seconds)
        var parts = tm()
        return localtime_r(&time, &parts) == nil ? nil : Int64(parts.tm_gmtoff)
    }
}
