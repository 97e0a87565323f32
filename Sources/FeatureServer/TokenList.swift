import Crypto

/// The tokens that may enter, as SHA-256 digests. Comparison takes the same time whatever the token.
///
/// File format: a line each, `sha256:<64 hex digits>` or, for development, the token itself; empty lines and lines that
/// begin with `#` are skipped.
public struct TokenList: Sendable {
    private let digests: [[UInt8]]

    /// - Returns: nil when a line is malformed or there is no token at all.
    public init?(text: String) {
        var digests: [[UInt8]] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let word = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            if word.isEmpty || word.hasPrefix("#") { continue }
            if word.hasPrefix("sha256:") {
                guard let digest = Self.bytes(hex: word.dropFirst(7)), digest.count == 32 else { return nil }
                digests.append(digest)
            } else {
                digests.append(Self.digest(word))
            }
        }
        guard !digests.isEmpty else { return nil }
        self.digests = digests
    }

    package func contains(_ token: String) -> Bool {
        let wanted = Self.digest(token)
        var isFound = false
        for digest in digests {
            var difference: UInt8 = 0
            for (a, b) in zip(digest, wanted) { difference |= a ^ b }
            if difference == 0 { isFound = true }
        }
        return isFound
    }

    private static func digest(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    private static func bytes(hex: Substring) -> [UInt8]? {
        let digits = Array(hex)
        guard digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).reduce(into: [UInt8]?([])) { bytes, index in
            guard let high = digits[index].hexDigitValue, let low = digits[index + 1].hexDigitValue else {
                bytes = nil
                return
            }
            bytes?.append(UInt8(high * 16 + low))
        }
    }
}
