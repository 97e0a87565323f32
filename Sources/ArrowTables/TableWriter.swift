import CArrow

/// A table that is written piece by piece to a file that has not got its name yet. What it takes of memory does not grow with
/// the rows, and the file does not show in which pieces they came. Unfinished, it leaves nothing. For one thread at a time;
/// blocking.
public final class TableWriter {
    private let pointer: OpaquePointer
    private let path: String

    /// Creates the file.
    ///
    /// - Parameters: as of `Table.unpublished`.
    public init(path: String, format: TableFormat? = nil, metadata: [String: String] = [:]) throws(TableError) {
        let format = if let format { format } else { try TableFormat(path: path) }
        let pairs = metadata.sorted { $0.key < $1.key }
        var made: OpaquePointer?
        try TableHandle.checked(path: path) { error in
            withCStrings(pairs.flatMap { [$0.key, $0.value] }) { strings in
                let entries = pairs.indices.map { CArrowMetadata(key: strings[2 * $0], value: strings[2 * $0 + 1]) }
                return carrow_writer_open(path, format.code, entries, entries.count, &made, error)
            }
        }
        guard let made else { throw TableError(code: .internal, message: "no file was made", path: path) }
        pointer = made
        self.path = path
    }

    deinit { carrow_writer_free(pointer) }

    /// Adds rows. All pieces have the same columns.
    public func append(_ piece: Table) throws(TableError) { try piece.handle.write(to: pointer, path: path) }

    /// Ends the file and syncs it; once, after at least one piece, be it of no rows.
    public func finish() throws(TableError) -> UnpublishedFile {
        var made: OpaquePointer?
        try TableHandle.checked(path: path) { carrow_writer_finish(pointer, &made, $0) }
        guard let made else { throw TableError(code: .internal, message: "no file was made", path: path) }
        return UnpublishedFile(owning: made, path: path)
    }
}
