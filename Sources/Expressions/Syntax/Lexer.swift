/// Text to tokens. Reads bytes that came from outside: no read passes the end.
struct Lexer {
    private let bytes: [UInt8]
    private var index = 0

    /// The longest text that is looked at, in bytes.
    static let textBytesMax = 16 * 1024

    /// The tokens of a text, the last one `end`.
    static func tokens(of text: String) throws(ExpressionMistake) -> [Token] {
        let bytes = Array(text.utf8)
        guard bytes.count <= textBytesMax else {
            throw ExpressionMistake(textBytesMax, "an expression has at most \(textBytesMax) bytes, not \(bytes.count)")
        }
        var lexer = Lexer(bytes: bytes)
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(Token(kind: .end, offset: bytes.count))
        return tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func next() throws(ExpressionMistake) -> Token? {
        while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
        guard index < bytes.count else { return nil }
        let start = index
        let byte = bytes[index]
        if Self.isWordStart(byte) { return Token(kind: word(), offset: start) }
        if Self.isDigit(byte) || (byte == UInt8(ascii: ".") && Self.isDigit(peek(1))) {
            return Token(kind: try number(), offset: start)
        }
        switch byte {
        case UInt8(ascii: "'"): return Token(kind: .string(try quotedText("text", by: byte)), offset: start)
        case UInt8(ascii: "\""):
            let name = try quotedText("name", by: byte)
            guard !name.isEmpty else { throw ExpressionMistake(start, "a name cannot be empty") }
            return Token(kind: .quotedName(name), offset: start)
        default: return Token(kind: .symbol(try symbol()), offset: start)
        }
    }

    private mutating func word() -> Token.Kind {
        let start = index
        while Self.isWordStart(peek(0)) || Self.isDigit(peek(0)) { index += 1 }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        return Keyword(rawValue: text.lowercased()).map { .keyword($0) } ?? .word(text)
    }

    private mutating func number() throws(ExpressionMistake) -> Token.Kind {
        let start = index
        var isDecimal = false
        skipDigits()
        if peek(0) == UInt8(ascii: ".") {
            isDecimal = true
            index += 1
            skipDigits()
        }
        if peek(0) | 0x20 == UInt8(ascii: "e") {
            isDecimal = true
            index += 1
            if peek(0) == UInt8(ascii: "+") || peek(0) == UInt8(ascii: "-") { index += 1 }
            guard Self.isDigit(peek(0)) else { throw ExpressionMistake(start, "a number's exponent needs digits") }
            skipDigits()
        }
        guard !Self.isWordStart(peek(0)), peek(0) != UInt8(ascii: ".") else {
            throw ExpressionMistake(start, "a number is digits with at most one point and an exponent, such as 1.5e3")
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        return isDecimal ? .decimal(text) : .integer(text)
    }

    private mutating func skipDigits() {
        while Self.isDigit(peek(0)) { index += 1 }
    }

    /// What stands between two quotes; a quote inside is written twice.
    private mutating func quotedText(_ what: String, by quote: UInt8) throws(ExpressionMistake) -> String {
        let start = index
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            if bytes[index] == quote {
                index += 1
                guard peek(0) == quote else { return String(decoding: text, as: UTF8.self) }
            }
            text.append(bytes[index])
            index += 1
        }
        throw ExpressionMistake(start, "this \(what) has no closing \(quote == UInt8(ascii: "'") ? "'" : "\"")")
    }

    private mutating func symbol() throws(ExpressionMistake) -> Symbol {
        let pair = [peek(0), peek(1)]
        if pair == Array("--".utf8) || pair == Array("/*".utf8) {
            let advice = pair[0] == UInt8(ascii: "-") ? "; write - (-x) for a negated negative" : ""
            throw ExpressionMistake(index, "an expression has no comments\(advice)")
        }
        if let symbol = Symbol.allCases.first(where: { bytes[index...].starts(with: $0.rawValue.utf8) }) {
            index += symbol.rawValue.utf8.count
            return symbol
        }
        let rest = String(decoding: bytes[index...].prefix(4), as: UTF8.self)
        let scalar = rest.unicodeScalars.first ?? " "
        let shown = scalar.value > 0x20 && scalar.value < 0x7f ? "'\(scalar)'" : "U+\(String(scalar.value, radix: 16))"
        throw ExpressionMistake(index, "\(shown) has no place in an expression")
    }

    /// The byte `ahead` of here; 0 beyond the end, which is part of no token.
    private func peek(_ ahead: Int) -> UInt8 { index + ahead < bytes.count ? bytes[index + ahead] : 0 }

    static func isWordStart(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte < 0x80
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 <= 9 }

    /// A text in quotes, quotes inside it doubled: what the lexer reads back as the same text.
    static func quoted(_ text: String, by quote: Character) -> String {
        var result = String(quote)
        for scalar in text.unicodeScalars {
            result.unicodeScalars.append(scalar)
            if Character(scalar) == quote { result.append(quote) }
        }
        result.append(quote)
        return result
    }
}
