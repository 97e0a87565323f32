// The parts of a Markdown page that name things: links, code spans and code blocks, headings.

struct PageText {
    struct Link: Hashable {
        let line: Int
        let target: String
    }

    struct Code: Hashable {
        let line: Int
        let text: String
        /// A line of a fenced block; else a span within a line.
        let isBlock: Bool
    }

    private(set) var links: [Link] = []
    private(set) var code: [Code] = []
    private(set) var anchors: Set<String> = []

    init(_ text: String) {
        var isInBlock = false
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isInBlock.toggle()
            } else if isInBlock {
                code.append(Code(line: number + 1, text: String(line), isBlock: true))
            } else {
                if line.hasPrefix("#") { anchors.insert(Self.anchor(line)) }
                let (spans, prose) = Self.spans(in: line)
                code += spans.map { Code(line: number + 1, text: $0, isBlock: false) }
                links += Self.targets(in: prose).map { Link(line: number + 1, target: $0) }
            }
        }
    }

    /// The text between backticks, and the line without the backticks and with it.
    private static func spans(in line: Substring) -> (spans: [String], prose: String) {
        let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
        let spans = pieces.indices.filter { $0 % 2 == 1 && $0 + 1 < pieces.count }.map { String(pieces[$0]) }
        return (spans, pieces.joined())
    }

    /// What stands between `](` and `)`.
    private static func targets(in prose: String) -> [String] {
        var targets: [String] = []
        var rest = prose[...]
        while let start = rest.firstRange(of: "](") {
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: ")") else { break }
            targets.append(String(rest[..<end]))
            rest = rest[end...]
        }
        return targets
    }

    /// A heading's anchor as GitHub makes it: lower case, without punctuation, dashes for spaces.
    private static func anchor(_ heading: Substring) -> String {
        let title = heading.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
        return String(
            title.compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" ? $0 : nil }
        )
    }
}
