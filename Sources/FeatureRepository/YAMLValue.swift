// A YAML document as the readers see it: three kinds of nodes, each with its place in the file.

struct YAMLValue {
    enum Kind {
        /// The text, and whether it stood there without quotes. Its type is the reader's matter.
        case scalar(String, isPlain: Bool)
        case list([YAMLValue])
        case map([YAMLEntry])
    }

    var kind: Kind
    var location: Location

    /// `key:` with nothing after it, or a written `null`.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = kind { return ["", "~", "null", "Null", "NULL"].contains(text) }
        return false
    }

    /// What this is, for "must be a mapping, not a list".
    var kindName: String {
        switch kind {
        case .scalar: isNull ? "empty" : "a single value"
        case .list: "a list"
        case .map: "a mapping"
        }
    }
}

struct YAMLEntry {
    var key: String
    var keyLocation: Location
    var value: YAMLValue
}

/// A value and where it stood, for checks that come after reading.
struct Located<Value> {
    var value: Value
    var location: Location
    /// Whether it stood in quotes, or as a block, so that its text begins behind `location`.
    var isQuoted = false
}
