// A lexer that knows just enough Swift to tell code from comments and string contents.
//
//   let a = "text \(value!)" // why
//   cccccccccssssssccccccccsccccccc      c code, s string contents; the rest is comment
//
// Code inside an interpolation counts as code. Regex literals are not known: the sources have none.

struct SwiftText {
    enum Part: UInt8 {
        case code, string, comment
    }

    let bytes: [UInt8]
    private(set) var parts: [Part]
    private var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        parts = Array(repeating: .code, count: bytes.count)
        readCode(untilParenthesis: false)
    }

    init(_ text: String) { self.init(Array(text.utf8)) }

    /// The lines with everything but code replaced by spaces.
    var codeLines: [String] { lines { $0 == .code } }

    /// The length of each line without the contents of strings, in characters.
    var lengthsWithoutStrings: [Int] {
        var lengths = [0]
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0a {
                lengths.append(0)
            } else if parts[index] != .string, byte & 0xc0 != 0x80 {
                lengths[lengths.count - 1] += 1
            }
        }
        return lengths
    }

    private func lines(_ isKept: (Part) -> Bool) -> [String] {
        let kept = bytes.indices.map { bytes[$0] == 0x0a || isKept(parts[$0]) ? bytes[$0] : 0x20 }
        return kept.split(separator: 0x0a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    private func starts(with text: StaticString, at place: Int) -> Bool {
        text.withUTF8Buffer { wanted in
            place + wanted.count <= bytes.count && wanted.indices.allSatisfy { bytes[place + $0] == wanted[$0] }
        }
    }

    private mutating func take(_ count: Int, as part: Part) {
        for place in index..<min(index + count, bytes.count) { parts[place] = part }
        index = min(index + count, bytes.count)
    }

    private mutating func readCode(untilParenthesis: Bool) {
        var depth = 1
        while index < bytes.count {
            if starts(with: "//", at: index) {
                while index < bytes.count, bytes[index] != 0x0a { take(1, as: .comment) }
            } else if starts(with: "/*", at: index) {
                readBlockComment()
            } else if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "#") {
                readString()
            } else {
                if bytes[index] == UInt8(ascii: "(") { depth += 1 }
                if bytes[index] == UInt8(ascii: ")") { depth -= 1 }
                take(1, as: .code)
                if untilParenthesis, depth == 0 { return }
            }
        }
    }

    private mutating func readBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*", at: index) {
                depth += 1
                take(2, as: .comment)
            } else if starts(with: "*/", at: index) {
                depth -= 1
                take(2, as: .comment)
            } else {
                take(1, as: .comment)
            }
        } while depth > 0 && index < bytes.count
    }

    /// A literal with its pounds, one line or several; a `#` that opens no string is code.
    private mutating func readString() {
        let pounds = bytes[index...].prefix { $0 == UInt8(ascii: "#") }.count
        guard index + pounds < bytes.count, bytes[index + pounds] == UInt8(ascii: "\"") else {
            return take(max(1, pounds), as: .code)
        }
        let isLong = starts(with: "\"\"\"", at: index + pounds)
        let quotes = isLong ? 3 : 1
        take(pounds + quotes, as: .code)
        let end =
            Array(repeating: UInt8(ascii: "\""), count: quotes) + Array(repeating: UInt8(ascii: "#"), count: pounds)
        let escape = [UInt8(ascii: "\\")] + Array(repeating: UInt8(ascii: "#"), count: pounds)
        while index < bytes.count {
            if bytes[index...].starts(with: end) { return take(end.count, as: .code) }
            if !isLong, bytes[index] == 0x0a { return }
            if bytes[index...].starts(with: escape) {
                take(escape.count, as: .string)
                if index < bytes.count, bytes[index] == UInt8(ascii: "(") {
                    take(1, as: .code)
                    readCode(untilParenthesis: true)
                } else {
                    take(1, as: .string)
                }
            } else {
                take(1, as: .string)
            }
        }
    }
}
