import FeatureModel
import Glibc
import Logging

/// Logs to standard error: text for people, one JSON object a line for machines.
struct StandardErrorLog: LogHandler {
    enum Format: String {
        case text, json
    }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let format: Format
    let label: String

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = SystemClock.now().iso8601
        let line =
            format == .text
            ? "\(time) \(event.level) \(event.message)\n"
            : "{\"ts\":\"\(time)\",\"level\":\"\(event.level)\",\"logger\":\(jsonText(label)),\"msg\":\(jsonText("\(event.message)"))}\n"
        var copy = line
        // One write a line, so that lines of several threads do not mix.
        copy.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
