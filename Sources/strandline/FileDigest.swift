import Crypto
import Glibc

/// SHA-256 of bytes, as 64 hexadecimal digits.
enum FileDigest {
    static func of(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    /// Of a file, with its length in bytes; nil when it cannot be opened or read, `errno` says why.
    static func of(path: String) -> (digest: String, byteCount: Int)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return of(descriptor: descriptor)
    }

    /// Of an open file, from its beginning; its place stays where it is.
    static func of(descriptor: Int32) -> (digest: String, byteCount: Int)? {
        var hash = SHA256()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        var place = 0
        while true {
            let count = piece.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(place)) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { return (hexadecimal(hash.finalize()), place) }
            piece.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            place += count
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
