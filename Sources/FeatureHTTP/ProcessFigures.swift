import Glibc

/// What the system says about this process, under Prometheus' usual names. Linux tells it in /proc; what is not to be had
/// is nil.
struct ProcessFigures {
    private(set) var cpuSeconds: Double?
    private(set) var residentBytes: Double?
    private(set) var openFiles: Double?
    private(set) var startSeconds: Double?

    init() {
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            cpuSeconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        }
        // size resident shared ..., in pages
        let memory = Self.words("/proc/self/statm")
        if memory.count > 1, let pages = Double(memory[1]) {
            residentBytes = pages * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
        openFiles = Self.entryCount("/proc/self/fd").map { Double($0) }
        // The name of the program may have spaces and stands in brackets; field 22 is the 20th after it.
        let status = Self.text("/proc/self/stat")
        let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
        let boot = Self.text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        if fields.count > 19, let ticks = Double(fields[19]), let boot = boot.flatMap({ Double($0.dropFirst(6)) }) {
            startSeconds = boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    func write(to text: inout PrometheusText) {
        text.family("process_cpu_seconds_total", .counter, "CPU time of the process.", cpuSeconds)
        text.family("process_resident_memory_bytes", .gauge, "Resident memory of the process.", residentBytes)
        text.family("process_open_fds", .gauge, "Open file descriptors.", openFiles)
        text.family("process_start_time_seconds", .gauge, "When the process started.", startSeconds)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func words(_ path: String) -> [Substring] { text(path).split { $0 == " " || $0 == "\n" } }

    /// The file's text, up to 64 KiB; empty when it cannot be read.
    private static func text(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            count = 0
            while count < buffer.count, let base = buffer.baseAddress {
                let got = read(file, base + count, buffer.count - count)
                guard got > 0 else { return }
                count += got
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func entryCount(_ path: String) -> Int? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without ".", ".." and the folder itself.
        return max(0, count - 3)
    }
}
