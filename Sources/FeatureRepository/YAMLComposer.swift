// Text -> YAMLValue, with Yams, guarded against hostile text:
//
//  - Aliases let a few bytes stand for gigabytes, and Yams expands them while it hashes mapping keys, before a caller
//    sees a node. So no alias may reach it: every `*` is replaced by a private-use character beforehand and put back in
//    the scalars. A plain scalar that begins with one was an alias, and is refused. `?`, the mark of a mapping as a
//    key, is taken out of play in the same way. One character replaces one, so no position moves.
//  - Yams stops at a duplicate key. The first of the two gets a private-use character too, and the text is read again:
//    the reader of the mapping sees both, with their places, and the file's other mistakes are found as well.
//  - Depth: brackets are counted before parsing, libyaml itself stops at 1000 levels, and what is left is refused
//    below `depthMax`.

private import Yams

struct YAMLComposer {
    /// Deepest nesting of lists and mappings; a repository needs 6.
    static let depthMax = 16
    private static let bracketDepthMax = 32
    /// How often a text may be read again for its duplicate keys, and how much text that may be altogether.
    private static let roundsMax = 50
    private static let scalarsReadMax = 2 << 20
    /// U+E000 ... U+E0FF are used as stand-ins, so a text may not hold them itself.
    private static let standIns: ClosedRange<UInt32> = 0xE000...0xE0FF
    private static let star: Unicode.Scalar = "\u{E000}"
    private static let question: Unicode.Scalar = "\u{E001}"
    private static let firstDuplicate: UInt32 = 0xE010

    private let file: String
    private let diagnostics: DiagnosticList
    /// What each duplicate's stand-in replaced.
    private var replaced: [Unicode.Scalar: Unicode.Scalar] = [star: "*", question: "?"]
    private var isBroken = false

    /// - Returns: the document, nil for an empty one; `isWhole` is false when something was not understood, so that
    ///   names may be missing.
    static func compose(_ file: RepositoryFiles.File, _ diagnostics: DiagnosticList) -> (
        root: YAMLValue?, isWhole: Bool
    ) {
        var composer = YAMLComposer(file: file.name, diagnostics: diagnostics)
        let root = composer.compose(file.text)
        return (root, !composer.isBroken)
    }

    private init(file: String, diagnostics: DiagnosticList) {
        self.file = file
        self.diagnostics = diagnostics
    }

    private mutating func compose(_ text: String) -> YAMLValue? {
        guard var scalars = guarded(text) else { return nil }
        let rounds = max(1, min(Self.roundsMax, Self.scalarsReadMax / max(1, scalars.count)))
        for round in 0..<rounds {
            do {
                // The padding keeps the text out of Swift's inline strings, whose address Yams 6.2.2 keeps beyond the call.
                let padded = String(String.UnicodeScalarView(scalars)) + String(repeating: "\n", count: 16)
                let parser = try Parser(yaml: padded, resolver: .basic, encoding: .utf8)
                guard let node = try parser.singleRoot() else { return nil }
                // Anchors are held weakly by the nodes, strongly by the parser.
                return withExtendedLifetime(parser) { value(node, depth: 0) }
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard round + 1 < rounds, let standIn = Unicode.Scalar(Self.firstDuplicate + UInt32(round)),
                    let index = index(ofKeyAt: context.mark, in: scalars)
                else {
                    let key = keys.first.map(restored) ?? ""
                    return fail(context.mark.line, context.mark.column, "duplicate key \(key.quoted)")
                }
                replaced[standIn] = scalars[index]
                scalars[index] = standIn
            } catch let error as YamlError {
                return fail(error, in: scalars)
            } catch {
                return fail(0, 0, "cannot be read as YAML")
            }
        }
        return fail(0, 0, "cannot be read as YAML")
    }

    /// The scalars of a text with `*` and `?` replaced; nil when it holds a character that YAML or this reader forbids.
    private mutating func guarded(_ text: String) -> [Unicode.Scalar]? {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var (line, column, brackets) = (1, 1, 0)
        var previous: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            if scalar == "\u{FEFF}" && scalars.isEmpty { continue }
            // One kind of line end, so that libyaml and `index(of:)` count the same lines.
            if previous == "\r" && scalar != "\n" {
                return fail(line, column - 1, "a carriage return without a line feed")
            }
            previous = scalar
            switch scalar.value {
            case 0x0A: (line, column) = (line + 1, 0)
            case 0x5B, 0x7B: brackets += 1
            case 0x5D, 0x7D: brackets -= 1
            case 0x09, 0x0D: break
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF, Self.standIns:
                return fail(line, column, "the character U+\(scalar.hexadecimal) is not allowed here")
            default: break
            }
            if brackets > Self.bracketDepthMax {
                return fail(line, column, "nested deeper than \(Self.depthMax) levels")
            }
            brackets = max(0, brackets)
            column += 1
            scalars.append(scalar == "*" ? Self.star : scalar == "?" ? Self.question : scalar)
        }
        return scalars
    }

    /// The index of a key's first letter, behind its quote; nil for a key without a letter.
    private func index(ofKeyAt mark: Mark, in scalars: [Unicode.Scalar]) -> Int? {
        guard let start = index(of: mark, in: scalars), start < scalars.count else { return nil }
        let index = scalars[start] == "\"" || scalars[start] == "'" ? start + 1 : start
        guard index < scalars.count else { return nil }
        let scalar = scalars[index]
        // Replacing anything else could change how the text is read: an escape, the end of the quotes, a bracket.
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_" ? index : nil
    }

    private func index(of mark: Mark, in scalars: [Unicode.Scalar]) -> Int? {
        var (line, index) = (1, 0)
        while line < mark.line {
            guard let end = scalars[index...].firstIndex(of: "\n") else { return nil }
            (line, index) = (line + 1, end + 1)
        }
        return index + mark.column - 1
    }

    private mutating func value(_ node: Node, depth: Int) -> YAMLValue? {
        let mark = (line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        if depth > Self.depthMax { return fail(mark.line, mark.column, "nested deeper than \(Self.depthMax) levels") }
        if let anchor = node.anchor {
            return fail(
                mark.line,
                mark.column,
                "anchors are not supported; write \(("&" + anchor.rawValue).quoted) out where it is used"
            )
        }
        let location = Location(file: file, line: mark.line, column: mark.column)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain
            let text = restored(scalar.string)
            // Written as an escape, "\uE010"; it would be taken for one of ours.
            if let scalar = text.unicodeScalars.first(where: { Self.standIns.contains($0.value) }) {
                return fail(mark.line, mark.column, "the character U+\(scalar.hexadecimal) is not allowed here")
            }
            if isPlain, scalar.string.unicodeScalars.first == Self.star {
                return fail(
                    mark.line,
                    mark.column,
                    "aliases are not supported; write out what \(text.quoted) stands for"
                )
            }
            if let tag = foreignTag(scalar.tag) { return fail(mark.line, mark.column, tag) }
            return YAMLValue(kind: .scalar(text, isPlain: isPlain), location: location)
        case .sequence(let sequence):
            if let tag = foreignTag(sequence.tag) { return fail(mark.line, mark.column, tag) }
            var list: [YAMLValue] = []
            for element in sequence {
                if let element = value(element, depth: depth + 1) { list.append(element) }
            }
            return YAMLValue(kind: .list(list), location: location)
        case .mapping(let mapping):
            if let tag = foreignTag(mapping.tag) { return fail(mark.line, mark.column, tag) }
            var entries: [YAMLEntry] = []
            for (keyNode, valueNode) in mapping {
                guard let key = value(keyNode, depth: depth + 1) else { continue }
                guard case .scalar(let text, _) = key.kind else {
                    _ =
                        fail(key.location.line, key.location.column, "a key must be a single word, not \(key.kindName)")
                        as YAMLValue?
                    continue
                }
                guard let entry = value(valueNode, depth: depth + 1) else { continue }
                entries.append(YAMLEntry(key: text, keyLocation: key.location, value: entry))
            }
            return YAMLValue(kind: .map(entries), location: location)
        case .alias:
            return fail(mark.line, mark.column, "aliases are not supported")
        }
    }

    /// What is wrong with a tag. Quotes count as the tag of a string, and Yams notes the plain tags when it hashes a key.
    private func foreignTag(_ tag: Tag) -> String? {
        let plain = ["", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"]
        if plain.contains(tag.rawValue) { return nil }
        return "tags are not supported; leave \(restored(tag.rawValue).quoted) out"
    }

    /// A scalar's text with the stand-ins put back.
    private func restored(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { Self.standIns.contains($0.value) }) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { replaced[$0] ?? $0 }))
    }

    private mutating func fail<Value>(_ line: Int, _ column: Int, _ message: String) -> Value? {
        isBroken = true
        diagnostics.add(Location(file: file, line: line, column: line == 0 ? 0 : max(1, column)), message)
        return nil
    }

    private mutating func fail(_ error: YamlError, in scalars: [Unicode.Scalar]) -> YAMLValue? {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if case .composer = error {
                return fail(
                    mark.line,
                    mark.column,
                    "a second YAML document; a file holds one, without '---' in between"
                )
            }
            if problem.hasPrefix("Maximum nesting") {
                return fail(mark.line, mark.column, "nested deeper than \(Self.depthMax) levels")
            }
            let position = index(of: mark, in: scalars)
            if let position, position < scalars.count, scalars[position] == "\t" {
                return fail(mark.line, mark.column, "YAML syntax: a tab cannot indent; use spaces")
            }
            // Behind the end there is only the padding: point at the last line that exists.
            let lineCount = scalars.reduce(1) { $0 + ($1 == "\n" ? 1 : 0) }
            let isBehindTheEnd = mark.line > lineCount
            let about = context.map { " (\($0.text.trimmed) that begins at \($0.mark.line):\($0.mark.column))" } ?? ""
            return fail(min(mark.line, lineCount), isBehindTheEnd ? 1 : mark.column, "YAML syntax: \(problem)\(about)")
        case .reader(let problem, _, _, _): return fail(0, 0, "YAML syntax: \(problem)")
        default: return fail(0, 0, "cannot be read as YAML")
        }
    }
}

extension Unicode.Scalar {
    fileprivate var hexadecimal: String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}

extension String {
    fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
