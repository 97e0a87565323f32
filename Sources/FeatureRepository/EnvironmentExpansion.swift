// `${VAR}` and `${VAR:-default}` in the Kafka and server settings, so that secrets and addresses stay out of the files.

/// Expands variables in one text.
///
/// `${VAR}` stands for the variable's value, `${VAR:-text}` for `text` when it is unset or empty, `$${` for a written
/// `${`. The result is not expanded again.
///
/// - Returns: the text, or what is wrong with it.
func expanding(_ text: String, from environment: [String: String]) -> (text: String, mistakes: [String]) {
    var result = ""
    var mistakes: [String] = []
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        rest = rest[dollar...]
        if rest.hasPrefix("$${") {
            result += "${"
            rest = rest.dropFirst(3)
            continue
        }
        guard rest.hasPrefix("${") else {
            result += "$"
            rest = rest.dropFirst()
            continue
        }
        guard let end = rest.firstIndex(of: "}") else {
            mistakes.append("\(String(rest).quoted) has no closing '}'; write '$${' for a '${' that is meant literally")
            break
        }
        let body = rest.dropFirst(2)[..<end]
        rest = rest[rest.index(after: end)...]
        let separator = body.range(of: ":-")
        let name = String(separator.map { body[..<$0.lowerBound] } ?? body)
        guard NameRule.identifier.allows(name) else {
            mistakes.append("\(name.quoted) is not the name of an environment variable")
            continue
        }
        if let value = environment[name], separator == nil || !value.isEmpty {
            result += value
        } else if let separator {
            result += body[separator.upperBound...]
        } else {
            mistakes.append("the environment variable \(name.quoted) is not set; '${\(name):-...}' gives a default")
        }
    }
    return (result + rest, mistakes)
}

extension Substring {
    /// The first place of a two-character text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
