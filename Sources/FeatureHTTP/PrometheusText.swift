// Prometheus' text format, version 0.0.4:
//
//   # HELP strandline_store_commits_total Commits since the store was made.
//   # TYPE strandline_store_commits_total counter
//   strandline_store_commits_total 12
//
// A name's lines stand together, so a family is written whole.

struct PrometheusText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Labels = [(name: String, value: String)]

    private(set) var text = ""

    /// Writes one metric. Without samples nothing is written: a metric that has no source now is not there.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: Double)]) {
        guard !samples.isEmpty else { return }
        begin(name, kind, help)
        for sample in samples { line(name, sample.labels, Self.number(sample.value)) }
    }

    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        if let value { family(name, kind, help, [([], value)]) }
    }

    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func line(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// Whole numbers without a point.
    static func number(_ value: Double) -> String { Int64(exactly: value).map { String($0) } ?? value.description }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
