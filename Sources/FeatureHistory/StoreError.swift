import RocksDB

/// An error of the versioned store. `corruption`, `disk` and `unknownFormat` are fail-stop: whoever sees one stops
/// using the store and says so (promise P6); it never turns into a wrong value.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// Stored bytes that contradict their checksum or format.
        case corruption
        /// The disk refused: I/O error or no space.
        case disk
        /// The data directory is in use by another process.
        case locked
        /// Written by a version of Strandline that this one does not know.
        case unknownFormat
        /// A named view, service or feature does not exist.
        case unknownName
        /// Definitions that cannot be applied to what is stored.
        case refused
        /// The store stopped after an earlier error.
        case stopped
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: RocksDBError) {
        let code: Code =
            switch error.code {
            case .corruption: .corruption
            case .locked: .locked
            default: .disk
            }
        self.init(code, error.description)
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

/// The one funnel from RocksDB's errors to the store's.
@inline(__always)
func storing<R: ~Copyable>(_ body: () throws(RocksDBError) -> R) throws(StoreError) -> R {
    do throws(RocksDBError) { return try body() } catch { throw StoreError(error) }
}

/// Whether a scan ended because there was nothing more, or because reading failed.
func check(_ iterator: borrowing Iterator) throws(StoreError) {
    try storing { () throws(RocksDBError) in try iterator.checkStatus() }
}
