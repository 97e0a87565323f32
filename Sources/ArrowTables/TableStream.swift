import CArrow
import FeatureModel

/// A file that is read piece by piece, and only the columns that are asked for: what it takes of memory does not grow with
/// its rows. For one thread at a time; blocking.
public final class TableStream {
    private let pointer: OpaquePointer
    public let path: String
    public let columnNames: [String]
    /// Arrow's word for each column's type.
    public let columnTypes: [String]

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - format: by default the one that the path's extension names.
    ///   - textColumns: CSV columns to keep as text. Unless all are, the file is read once for the types of the others.
    ///   - skipBadRows: as of `Table.read`; else such a row is an error of the piece that it stands in.
    public init(
        path: String,
        format: TableFormat? = nil,
        textColumns: TextColumns = [],
        skipBadRows: Bool = false
    ) throws(TableError) {
        let format = if let format { format } else { try TableFormat(path: path) }
        var made: OpaquePointer?
        var options = CArrowReadOptions()
        options.skip_bad_rows = skipBadRows
        var names: [String] = []
        switch textColumns {
        case .every: options.every_column_is_text = true
        case .named(let set): names = Array(set)
        }
        try TableHandle.checked(path: path) { error in
            withCStrings(names) { pointers in
                options.text_columns = pointers.baseAddress
                options.text_column_count = pointers.count
                return carrow_stream_open(path, format.code, &options, &made, error)
            }
        }
        guard let made else { throw TableError(code: .internal, message: "no file was opened", path: path) }
        pointer = made
        self.path = path
        let columns = 0..<carrow_stream_column_count(made)
        columnNames = columns.map { String(cString: carrow_stream_column_name(made, $0)) }
        columnTypes = columns.map { String(cString: carrow_stream_column_type(made, $0)) }
    }

    deinit { carrow_stream_free(pointer) }

    /// Begins at the first row, with these columns of `columnNames`; may be called again.
    public func start(columns: [Int]) throws(TableError) {
        let places = columns.map { Int32(truncatingIfNeeded: $0) }
        try TableHandle.checked(path: path) { error in
            places.withUnsafeBufferPointer { carrow_stream_start(pointer, $0.baseAddress, $0.count, error) }
        }
    }

    /// The next piece, of at most 65,536 rows, with the columns in the order in which they were asked for; nil at the end.
    /// The CSV rows that were left out come with the pieces that they stand in, and a piece may have none but such.
    public func next() throws(TableError) -> Table? {
        var made: OpaquePointer?
        try TableHandle.checked(path: path) { carrow_stream_next(pointer, &made, $0) }
        return made.map { Table(handle: TableHandle(owning: $0), path: path) }
    }

    /// A value of the file's own metadata; nil when it has none of that key.
    public func metadata(_ key: String) throws(TableError) -> String? { try none().metadata(key) }

    /// A table of the columns that were asked for and no rows.
    func none() throws(TableError) -> Table {
        var made: OpaquePointer?
        try TableHandle.checked(path: path) { carrow_stream_none(pointer, &made, $0) }
        guard let made else { throw TableError(code: .internal, message: "no table was made", path: path) }
        return Table(handle: TableHandle(owning: made), path: path)
    }

    /// Where a column of this name is.
    ///
    /// - Throws: `noSuchColumn` (naming the nearest one that exists), `ambiguousColumn`.
    public func index(of name: String) throws(TableError) -> Int {
        try TableError.place(of: name, among: columnNames, path: path)
    }
}

extension Table {
    /// The values of a column by its place, as `int64Column` gives them; text is refused.
    public func int64s(at column: Int) throws(TableError) -> NullableColumn<Int64> {
        try handle.int64Column(column, path: path)
    }

    /// The bits of doubles, or of integers as the nearest ones.
    public func doubleBits(at column: Int) throws(TableError) -> NullableColumn<Int64> {
        try handle.doubleColumn(column, path: path)
    }

    /// 0 and 1.
    public func bools(at column: Int) throws(TableError) -> NullableColumn<Int64> {
        try handle.boolColumn(column, path: path)
    }

    /// Microseconds of timestamps and dates, as `timestampColumn` reads them; text is refused.
    public func microseconds(at column: Int) throws(TableError) -> NullableColumn<Int64> {
        try handle.timestampColumn(column, path: path)
    }

    /// Text, or the decimal text of integers, or `true` and `false`.
    public func text(at column: Int) throws(TableError) -> TextColumn { try handle.textBytes(column, path: path) }
}
