/// What RocksDB refused or failed to do.
///
/// RocksDB's C API hands out errors as text only; `code` is read from the start of that text, `message` is the text
/// itself. It may name files and column families, never stored keys or values of ours.
public struct RocksDBError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// Damaged bytes were found: a checksum, a size or a format did not fit. Never retry, never answer.
        case corruption
        /// The file system failed a call. The state of the directory is unknown until it is opened again.
        case ioError
        /// The device is full or the quota used up.
        case noSpace
        /// Another open database, in this process or another one, holds the directory.
        case locked
        /// A read was not allowed to finish (a deadline, or a cache-only read).
        case incomplete
        /// A conflict or a stall that a second try may not meet.
        case busy
        case notFound
        case invalidArgument
        /// The database was closed with ``Database/close()``.
        case closed
        case other
    }

    public let code: Code
    public let message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same call may succeed later on the same open database.
    public var isRetriable: Bool { code == .busy || code == .incomplete }

    /// Whether the open database must be given up: RocksDB refuses further writes after these, and we turned its own
    /// attempts at recovery off (a resumed database may hold SST files that are ahead of its log).
    public var isFatal: Bool { code == .corruption || code == .ioError || code == .noSpace }

    public var description: String { "RocksDB \(code.rawValue): \(message)" }

    static let closed = RocksDBError(code: .closed, message: "the database is closed")
}

extension RocksDBError {
    /// The start of a status text and what it stands for, as RocksDB's `Status::ToString` writes them.
    private static let prefixes: [(text: String, code: Code)] = [
        ("Corruption: ", .corruption),
        ("IO error: No space left on device", .noSpace),
        ("IO error: While lock file", .locked),
        ("IO error: lock ", .locked),
        ("IO error: ", .ioError),
        ("Result incomplete: ", .incomplete),
        ("Resource busy: ", .busy),
        ("Operation failed. Try again.: ", .busy),
        ("Operation timed out: ", .incomplete),
        ("NotFound: ", .notFound),
        ("Invalid argument: ", .invalidArgument),
        ("Not implemented: ", .invalidArgument),
    ]

    /// Reads the code from a text of RocksDB's.
    init(text: String) {
        var code = Self.prefixes.first { text.hasPrefix($0.text) }?.code ?? .other
        // Some layers only wrap errno's text, so a full device or quota can hide behind the general prefix.
        let isFull = text.hasSuffix("No space left on device") || text.hasSuffix("Disk quota exceeded")
        if code == .ioError, isFull { code = .noSpace }
        self.init(code: code, message: text)
    }
}
