import CArrow

/// A file that is written and synced and has not got its name yet. It is gone with this value, unless `publish` gave it the
/// name; where the file system knows files without names, also when the process is killed.
public struct UnpublishedFile: ~Copyable {
    private let pointer: OpaquePointer
    private let path: String

    init(owning pointer: OpaquePointer, path: String) {
        self.pointer = pointer
        self.path = path
    }

    deinit { carrow_partial_free(pointer) }

    /// Writes bytes.
    public init(path: String, bytes: [UInt8]) throws(TableError) {
        var made: OpaquePointer?
        try TableHandle.checked(path: path) { error in
            bytes.withUnsafeBytes { carrow_partial_bytes(path, $0.baseAddress, $0.count, &made, error) }
        }
        guard let made else { throw TableError(code: .internal, message: "no file was made", path: path) }
        self.init(owning: made, path: path)
    }

    /// Open for reading by offset, as long as this value lives.
    public var descriptor: Int32 { carrow_partial_descriptor(pointer) }

    /// Gives the file its name, in place of a file that had it, and syncs the folder.
    public consuming func publish() throws(TableError) {
        try TableHandle.checked(path: path) { carrow_partial_publish(pointer, $0) }
    }

    /// Removes the temporary names of unpublished files. Safe in a signal handler that ends the process.
    public static func removeAll() { carrow_partial_unlink_all() }
}
