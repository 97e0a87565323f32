import Glibc

/// A progress bar on standard error: redrawn in place on a terminal, a line each tenth elsewhere.
struct ProgressBar {
    private let title: String
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var drawn = -1

    init(_ title: String, total: Int) {
        self.title = title
        self.total = max(1, total)
        update(0)
    }

    mutating func update(_ done: Int) {
        let percent = min(100, done * 100 / total)
        let step = isTerminal ? percent : percent / 10
        guard step != drawn else { return }
        drawn = step
        if isTerminal {
            let filled = percent * 30 / 100
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
            emit("\r\(title) [\(bar)] \(percent)% \(done)/\(total)" + (percent == 100 ? "\n" : ""))
        } else {
            emit("\(title) \(percent)% \(done)/\(total)\n")
        }
    }

    private func emit(_ text: String) {
        var copy = text
        copy.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
