// Reads the keys of one mapping. Unknown, duplicate and missing keys are reported when it is made; what is left for the
// caller is one line per key.

import FeatureModel

struct MapReader {
    /// What the mapping is, for messages: `source 'purchases'`, `'server'`.
    var title: String
    let location: Location
    let entries: [YAMLEntry]
    let diagnostics: DiagnosticList
    private let values: [String: YAMLEntry]

    /// Reads a mapping.
    ///
    /// - Parameters:
    ///   - keys: every key that the mapping may have, in the order in which a message lists them; nil allows any.
    ///   - foreign: keys that belong elsewhere, with what to say about them.
    /// - Returns: nil when the value is not a mapping; the mistake is reported then.
    init?(
        _ value: YAMLValue,
        title: String,
        keys: [String]?,
        foreign: [String: String] = [:],
        _ diagnostics: DiagnosticList
    ) {
        guard case .map(let entries) = value.kind else {
            let hint = keys.map { " with the keys " + $0.prefix(16).joined(separator: ", ") } ?? ""
            diagnostics.add(value.location, "\(title) must be a mapping\(hint), not \(value.kindName)")
            return nil
        }
        self.title = title
        self.entries = entries
        self.location = value.location
        self.diagnostics = diagnostics
        var values: [String: YAMLEntry] = [:]
        for entry in entries {
            if let first = values[entry.key] {
                diagnostics.add(
                    entry.keyLocation,
                    "duplicate key \(entry.key.quoted); it is already given on line \(first.keyLocation.line)"
                )
                continue
            }
            values[entry.key] = entry
            if let keys, !keys.contains(entry.key) {
                let reason =
                    foreign[entry.key].map { "; \($0)" } ?? hint(for: entry.key, among: keys, title: "valid keys")
                diagnostics.add(entry.keyLocation, "unknown key \(entry.key.quoted) in \(title)\(reason)")
            }
        }
        self.values = values
    }

    /// The value of a key; nil when the key is missing or has nothing after it.
    subscript(key: String) -> YAMLValue? {
        guard let value = values[key]?.value, !value.isNull else { return nil }
        return value
    }

    /// The value of a key, written `null` included.
    func written(_ key: String) -> YAMLValue? { values[key]?.value }

    /// The value of a key that must be there; a missing one is reported at the mapping.
    func required(_ key: String) -> YAMLValue? {
        if let value = self[key] { return value }
        let place = values[key].map(\.keyLocation) ?? location
        diagnostics.add(place, values[key] == nil ? "\(title) lacks '\(key)'" : "'\(key)' of \(title) is empty")
        return nil
    }

    /// A single value as text.
    func text(_ key: String) -> Located<String>? { self[key].flatMap { text($0, key) } }

    /// The text of a scalar under a key; anything else is reported.
    func text(_ value: YAMLValue, _ key: String) -> Located<String>? {
        guard case .scalar(let text, let isPlain) = value.kind else {
            diagnostics.add(value.location, "'\(key)' must be a single value, not \(value.kindName)")
            return nil
        }
        return Located(value: text, location: value.location, isQuoted: !isPlain)
    }

    /// The elements of a list under a key; anything else is reported.
    func list(_ value: YAMLValue, _ key: String) -> [YAMLValue]? {
        guard case .list(let list) = value.kind else {
            diagnostics.add(value.location, "'\(key)' must be a list, not \(value.kindName)")
            return nil
        }
        return list
    }

    /// `description` without the line ends that a block of text has behind it, or nothing.
    var descriptionText: String {
        guard let text = text("description")?.value, let end = text.lastIndex(where: { !$0.isNewline }) else {
            return ""
        }
        return String(text[...end])
    }

    /// Parses the single value of a key, or reports it.
    ///
    /// - Parameter expected: what the value must be, after "must be", with an example.
    /// - Returns: nil when the key is missing or was reported.
    func parsed<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = text(key) else { return nil }
        guard let value = parse(text.value) else {
            diagnostics.add(text.location, "'\(key)' must be \(expected), not \(text.value.quoted)")
            return nil
        }
        return value
    }

    /// Parses one of a few words, or reports it with the nearest valid one.
    func word<Value>(_ text: Located<String>, _ key: String, among words: [String], _ parse: (String) -> Value?)
        -> Value?
    {
        if let value = parse(text.value) { return value }
        diagnostics.add(
            text.location,
            "unknown \(key) \(text.value.quoted)\(hint(for: text.value, among: words, title: "supported"))"
        )
        return nil
    }
}
