import CRocksDB

/// A `char**` as RocksDB's functions take it for their error text.
typealias ErrorPointer = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// The one place where RocksDB's error convention is handled: runs `body` with an empty error pointer; a text in it
/// afterwards is freed and thrown. `body`'s result is dropped then: nearly all functions of the C API that return an
/// object return null when they set the text. Those that do not are named where they are called.
func checking<R>(_ body: (ErrorPointer) -> R) throws(RocksDBError) -> R {
    var text: UnsafeMutablePointer<CChar>?
    let result = body(&text)
    guard let text else { return result }
    defer { rocksdb_free(text) }
    throw RocksDBError(text: String(cString: text))
}

/// C's way of saying yes and no, for option setters.
func flag(_ value: Bool) -> UInt8 { value ? 1 : 0 }

extension UnsafeRawBufferPointer {
    /// The bytes as the C API takes them. Null for an empty buffer, which RocksDB reads as the empty string since the
    /// count is 0.
    var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
