// Clocks, processor time and memory, straight from the system.

import Glibc

enum Measure {
    /// A clock that only goes forward. Nanoseconds.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Microseconds since the Unix epoch.
    static func wallMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// User and system time of all threads of this process so far. Microseconds.
    static func processorMicroseconds() -> Int64 {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return microseconds(usage.ru_utime) + microseconds(usage.ru_stime)
    }

    private static func microseconds(_ time: timeval) -> Int64 { Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec) }

    /// User and system time of another process, in steps of a clock tick (10 ms). Microseconds; nil when it is gone.
    static func processorMicroseconds(of process: Int32) -> Int64? {
        guard let text = readSmallFile("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // After the name, which may hold spaces, the first field is the state: number 3 of the manual page.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return nil }
        return (user + system) * 1_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Memory of this process that is in RAM. Bytes.
    static func residentBytes() -> Int {
        let fields = readSmallFile("/proc/self/statm")?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func readSmallFile(_ path: String) -> String? {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// Prints a line of `name=value` at once, past all buffers: whoever reads the pipe sees whole lines.
func printLine(_ pairs: KeyValuePairs<String, String>, title: String? = nil) {
    let words = (title.map { [$0] } ?? []) + pairs.map { "\($0.key)=\($0.value)" }
    let bytes = Array((words.joined(separator: " ") + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

/// A number with `digits` decimals.
func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "nan" }
    var power = 1.0
    for _ in 0..<digits { power *= 10 }
    let scaled = Int64((abs(value) * power).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % Int64(power))
    return sign + String(scaled / Int64(power)) + "." + String(repeating: "0", count: digits - fraction.utf8.count)
        + fraction
}

/// What raw-consume and ingest both report about a number of events.
struct EventRate {
    var records: Int
    var seconds: Double
    var processorMicroseconds: Int64

    var line: KeyValuePairs<String, String> {
        [
            "records": String(records), "seconds": fixed(seconds, 3),
            "events_per_s": fixed(Double(records) / seconds, 0),
            "cpu_us_per_event": fixed(Double(processorMicroseconds) / Double(max(records, 1)), 3),
        ]
    }
}
