/// A file format for tables.
public enum TableFormat: String, Hashable, Sendable, CaseIterable {
    /// Comma-separated UTF-8 text with a header row.
    case csv
    case parquet
    /// Arrow IPC file, also called Feather version 2.
    case arrow

    /// The format that a file's extension names: `.csv`, `.parquet` or `.pq`, `.arrow` or `.feather` or `.ipc`, in
    /// either case.
    ///
    /// - Throws: `TableError.Code.unknownFormat`.
    public init(path: String) throws(TableError) {
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let fileExtension = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
        switch fileExtension {
        case "csv": self = .csv
        case "parquet", "pq": self = .parquet
        case "arrow", "feather", "ipc": self = .arrow
        default:
            let found = fileExtension.isEmpty ? "no extension" : "the extension .\(fileExtension)"
            throw TableError(
                code: .unknownFormat,
                message: "cannot tell the format from \(found); use .csv, .parquet or .arrow, or name the format",
                path: path
            )
        }
    }
}

/// Which columns of a CSV file are kept as the text of the file instead of being given a type by their values.
///
/// Join keys and times are read as text, so that a bad value can be reported by its line. When the result is CSV again,
/// `every` keeps the other columns as they were: typed, `007` would come out as `7` and `1.10` as `1.1`.
public enum TextColumns: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// These columns; names that the file does not have are ignored.
    case named(Set<String>)
    case every

    public init(arrayLiteral elements: String...) { self = .named(Set(elements)) }
}

/// A CSV row that was left out, because its number of fields is not the header's.
public struct BadRow: Hashable, Sendable {
    /// The line of the file on which the row starts; the header is on line 1.
    public var line: Int
    /// The row's text, cut after 200 bytes.
    public var text: String
    /// For a person, such as `expected 3 fields, found 2`.
    public var reason: String
}
