import FeatureModel

/// Why a table could not be read, asked or written.
///
/// `description` is one line for a person: the file, then what is wrong, with the line of a CSV file where there is one.
public struct TableError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of error it is. Open: later versions may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The file or its folder does not exist.
        public static let noSuchFile = Code(description: "noSuchFile")
        /// The operating system refused to read, write, sync or rename.
        public static let inputOutput = Code(description: "inputOutput")
        /// The file is not what its format says: a row with a wrong number of fields, a damaged Parquet footer.
        public static let malformed = Code(description: "malformed")
        /// The file name says nothing about the format, or something else than CSV, Parquet and Arrow.
        public static let unknownFormat = Code(description: "unknownFormat")
        /// The table has no column of that name.
        public static let noSuchColumn = Code(description: "noSuchColumn")
        /// The table has the column already, or twice.
        public static let ambiguousColumn = Code(description: "ambiguousColumn")
        /// The column's type, or one of its values, is not what was asked for.
        public static let badValue = Code(description: "badValue")
        public static let outOfMemory = Code(description: "outOfMemory")
        /// A defect here or in Arrow.
        public static let `internal` = Code(description: "internal")
    }

    public var code: Code
    /// What is wrong, without the file's name.
    public var message: String
    /// The file, as the caller named it; nil for a table that was not read from one.
    public var path: String?

    public init(code: Code, message: String, path: String?) {
        self.code = code
        self.message = message
        self.path = path
    }

    public var description: String { path.map { "\($0): \(message)" } ?? message }
}

extension TableError {
    /// Where the one column of this name is.
    static func place(of name: String, among columnNames: [String], path: String?) throws(TableError) -> Int {
        let found = columnNames.indices.filter { columnNames[$0] == name }
        if found.count == 1 { return found[0] }
        if found.count > 1 {
            throw TableError(
                code: .ambiguousColumn,
                message: "there are \(found.count) columns named '\(name)'",
                path: path
            )
        }
        let hint = nearestWord(to: name, among: columnNames).map { "; did you mean '\($0)'?" } ?? "."
        throw TableError(
            code: .noSuchColumn,
            message: "there is no column '\(name)'\(hint) Columns: \(columnNames.joined(separator: ", "))",
            path: path
        )
    }
}
