import ArrowTables
import FeatureModel

/// How a label file is read.
struct LabelReader {
    let path: String
    let timestampColumn: String?
    let skipBadRows: Bool
    let requestColumns: RequestColumns
    /// Whether the columns of a CSV file keep their text (for CSV out) or get types from their values (for the others).
    let keepsText: Bool
    let zone: TimestampZone

    /// Opens the file and looks for the columns. Blocking.
    ///
    /// - Parameter request: the request values that the features need; each is a column of its name, or of the one that
    ///   `requestColumns` gives.
    func open(joinKeys: [Field], request: [Field]) throws -> LabelFile {
        Table.returnFreedMemory()
        let identity = FileIdentity(path: path)
        // Text stays text, so that what is written back is what was read, and a bad value can be named by its line. Rows
        // with a wrong number of fields are left out at first: a row before them may be bad in another way.
        let stream = try TableStream(path: path, textColumns: .every, skipBadRows: true)
        let columns = LabelColumns(
            timestampColumn: try timeColumn(stream.columnNames),
            joinKeys: joinKeys,
            requests: try requestColumns.resolve(request, among: stream.columnNames, path: path),
            zone: zone
        )
        return try LabelFile(reader: self, columns: columns, stream: stream, identity: identity)
    }

    private func timeColumn(_ columnNames: [String]) throws -> String {
        if let timestampColumn { return timestampColumn }
        for name in ["event_timestamp", "timestamp"] where columnNames.contains(name) { return name }
        throw Failure(
            .usage,
            "\(path): no column event_timestamp or timestamp; name the time column with --timestamp-column. "
                + "Columns: \(columnNames.joined(separator: ", "))"
        )
    }
}
