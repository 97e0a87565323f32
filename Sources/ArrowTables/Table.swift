import CArrow

/// A table in memory: named columns of one length, as they came from a file, to which feature columns are appended.
///
/// Row order, duplicate rows and the columns that nobody asks about stay as they are. A value type: a copy shares the
/// columns' memory, and appending to one leaves the other alone. Calls run on the caller's thread and may block on the
/// disk; Arrow decodes on a pool of its own.
public struct Table: Sendable {
    let handle: TableHandle
    /// The file that the table was read from; nil for one made in memory.
    public let path: String?
    public let columnNames: [String]
    public let rowCount: Int

    init(handle: TableHandle, path: String?) {
        self.handle = handle
        self.path = path
        columnNames = handle.columnNames
        rowCount = handle.rowCount
    }

    /// A table with `rowCount` rows and no columns, to append to.
    public init(rowCount: Int) throws(TableError) {
        precondition(rowCount >= 0, "a count")
        self.init(handle: try TableHandle.empty(rowCount: rowCount), path: nil)
    }

    /// Lets the memory of freed tables go to whoever needs memory next, for the rest of the process. For a process that has
    /// many columns in its hands for a short time; to be called before the first table.
    public static func returnFreedMemory() { carrow_return_freed_memory() }

    /// Reads a whole file.
    ///
    /// CSV: fields are separated by commas, quoted with `"` (doubled inside), and may hold line ends when quoted; blank
    /// lines are ignored; an empty unquoted field is null, and nothing else is (`NA` and `null` are words). A column
    /// that is not in `textColumns` gets its type from its values: integer, double, bool, date, timestamp or text.
    ///
    /// - Parameters:
    ///   - format: by default the one that the path's extension names.
    ///   - textColumns: CSV columns to keep as text; other formats bring their types along.
    ///   - skipBadRows: whether CSV rows with a wrong number of fields are left out and listed in `badRows`, instead of
    ///     being an error that names the first one's line.
    public static func read(
        path: String,
        format: TableFormat? = nil,
        textColumns: TextColumns = [],
        skipBadRows: Bool = false
    ) throws(TableError) -> Table {
        let stream = try TableStream(path: path, format: format, textColumns: textColumns, skipBadRows: skipBadRows)
        try stream.start(columns: Array(stream.columnNames.indices))
        var pieces: [Table] = []
        while let piece = try stream.next() { pieces.append(piece) }
        return pieces.isEmpty ? try stream.none() : try joined(pieces)
    }

    /// The rows of pieces of one file, one behind the other; they share the pieces' memory.
    ///
    /// - Precondition: there is a piece.
    public static func joined(_ pieces: [Table]) throws(TableError) -> Table {
        guard let first = pieces.first else { preconditionFailure("pieces to join") }
        guard pieces.count > 1 else { return first }
        return Table(handle: try TableHandle.joined(pieces.map(\.handle), path: first.path), path: first.path)
    }

    /// Some rows, which share the table's memory. No bad rows come along.
    public func slice(_ rows: Range<Int>) throws(TableError) -> Table {
        Table(handle: try handle.slice(rows, path: path), path: path)
    }

    /// What the rows take in memory.
    public func byteCount() throws(TableError) -> Int { try handle.byteCount(path: path) }

    /// The number of a row in its file, the first being 1. Rows that were left out do not count.
    func number(ofRow row: Int) -> Int { handle.rowsBefore + row + 1 }

    /// Where a row stands in its file, for a person: `line 7` of CSV, `row 6` of other formats.
    public func place(ofRow row: Int) -> String {
        lineNumber(ofRow: row).map { "line \($0)" } ?? "row \(number(ofRow: row))"
    }

    /// The CSV rows that were left out, in the order of the file. They stay listed after `filter(keeping:)`.
    public var badRows: [BadRow] { handle.badRows }

    /// The line of the CSV file on which a row starts, the header being on line 1. Left-out rows, blank lines and line
    /// ends within quotes are accounted for. Nil for other formats.
    ///
    /// - Precondition: `0 <= row < rowCount`.
    public func lineNumber(ofRow row: Int) -> Int? { handle.line(ofRow: row) }

    /// Appends a column at the end.
    ///
    /// - Precondition: the column has `rowCount` rows.
    /// - Throws: `ambiguousColumn` when the table has a column of that name; the table is then as it was.
    public mutating func append(_ column: FeatureColumn) throws(TableError) {
        guard !columnNames.contains(column.name) else {
            throw TableError(
                code: .ambiguousColumn,
                message: "cannot add column '\(column.name)': the table has a column of that name already",
                path: path
            )
        }
        self = Table(handle: try handle.appending(column, path: path), path: path)
    }

    /// The table with only the rows whose flag is set, in the same order. Line numbers stay those of the file.
    ///
    /// - Precondition: `keep` has `rowCount` flags.
    public func filter(keeping keep: [Bool]) throws(TableError) -> Table {
        Table(handle: try handle.filtered(keeping: keep, path: path), path: path)
    }

    /// Writes the table to a file, which appears under its name whole or not at all. After an error the file is as it was.
    ///
    /// - Parameters: as `unpublished`.
    public func write(
        path: String,
        format: TableFormat? = nil,
        metadata: [String: String] = [:]
    ) throws(TableError) {
        try unpublished(path: path, format: format, metadata: metadata).publish()
    }

    /// Writes the table to a file that has not got its name yet.
    ///
    /// Parquet: zstd, row groups of 128 Ki rows (fewer where there are more than 128 columns), instants as
    /// `timestamp[us, UTC]`, lists and maps as Arrow's. CSV: doubles
    /// in the shortest form that reads back to the same bits, times as ISO 8601, null as nothing and empty text as `""`;
    /// lists and maps as JSON, with keys as strings and with null for a double that is no finite number.
    ///
    /// - Parameters:
    ///   - format: by default the one that the path's extension names.
    ///   - metadata: stored in the file's own key-value metadata; CSV has no place for it.
    public func unpublished(
        path: String,
        format: TableFormat? = nil,
        metadata: [String: String] = [:]
    ) throws(TableError) -> UnpublishedFile {
        let writer = try TableWriter(path: path, format: format, metadata: metadata)
        try writer.append(self)
        return try writer.finish()
    }

    /// A value of the file's own metadata; nil when it has none of that key.
    public func metadata(_ key: String) -> String? { handle.metadata(key) }
}
