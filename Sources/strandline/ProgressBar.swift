import Glibc

/// A progress bar on standard error: redrawn in place on a terminal, a line each tenth elsewhere, of JSON where the result is.
struct ProgressBar {
    private let title: String
    private let total: Int
    private let isJSON: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var drawn = -1

    init(_ title: String, total: Int, isJSON: Bool = false) {
        self.title = title
        self.total = max(1, total)
        self.isJSON = isJSON
        update(0)
    }

    /// - Parameter rows: what is counted aloud, where it is not `done` of `total`.
    mutating func update(_ done: Int, rows: Int? = nil) {
        let percent = min(100, done * 100 / total)
        let step = isTerminal ? percent : percent / 10
        guard step != drawn else { return }
        drawn = step
        let counted = rows.map { "\($0) rows" } ?? "\(done)/\(total)"
        if isTerminal {
            let filled = percent * 30 / 100
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
            emit("\r\(title) [\(bar)] \(percent)% \(counted)" + (percent == 100 ? "\n" : ""))
        } else if isJSON {
            emit("{\"progress\":\(jsonText(title)),\"percent\":\(percent),\"rows\":\(rows ?? done)}\n")
        } else {
            emit("\(title) \(percent)% \(counted)\n")
        }
    }

    private func emit(_ text: String) {
        var copy = text
        copy.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
