/// What is wrong with the text of an expression, and where.
///
/// Mistakes are found before any row is read: parsing and compiling throw them, evaluation never does.
public struct ExpressionMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where, as a number of UTF-8 bytes from the start of the text; the text's length when it ends too early.
    public let offset: Int
    /// What, in one line; names the nearest valid word where a word is unknown.
    public let message: String

    init(_ offset: Int, _ message: String) {
        self.offset = offset
        self.message = message
    }

    /// `column 9: unknown name 'amuont'; did you mean 'amount'?`, the column counted in bytes from 1.
    public var description: String { "column \(offset + 1): \(message)" }

    /// The line of `text` that holds the mistake, and below it a caret under its place.
    public func marked(in text: String) -> String {
        let bytes = Array(text.utf8)
        let place = min(offset, bytes.count)
        let start = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let line = String(decoding: bytes[start..<end], as: UTF8.self)
        // A tab stays a tab, so that the caret stands under its place at any tab width.
        let before = String(decoding: bytes[start..<place], as: UTF8.self).map { $0 == "\t" ? "\t" : " " }.joined()
        return line + "\n" + before + "^"
    }
}
