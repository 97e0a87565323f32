import CArrow
import FeatureModel

/// The one owner of a `CArrowTable`, and the one place that calls C.
///
/// Sendable: the C table is immutable after it is made, and only `deinit` frees it.
final class TableHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { carrow_free(pointer) }

    /// Live tables in this process, for leak tests.
    static var liveCount: Int { Int(carrow_live_tables()) }

    // MARK: making

    static func empty(rowCount: Int) throws(TableError) -> TableHandle {
        try make(path: nil) { result, error in carrow_empty(Int64(rowCount), result, error) }
    }

    func filtered(keeping keep: [Bool], path: String?) throws(TableError) -> TableHandle {
        precondition(keep.count == rowCount, "one flag per row")
        return try Self.make(path: path) { result, error in
            keep.withUnsafeValidity { carrow_filter(pointer, $0, result, error) }
        }
    }

    func appending(_ column: FeatureColumn, path: String?) throws(TableError) -> TableHandle {
        precondition(column.count == rowCount, "column '\(column.name)': one value per row")
        return try Self.make(path: path) { result, error in
            column.withCColumn { carrow_append(pointer, $0, result, error) }
        }
    }

    func slice(_ rows: Range<Int>, path: String?) throws(TableError) -> TableHandle {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows of the table")
        return try Self.make(path: path) { result, error in
            carrow_slice(pointer, Int64(rows.lowerBound), Int64(rows.count), result, error)
        }
    }

    static func joined(_ parts: [TableHandle], path: String?) throws(TableError) -> TableHandle {
        let pointers = parts.map { Optional($0.pointer) }
        return try make(path: path) { result, error in
            pointers.withUnsafeBufferPointer { carrow_join($0.baseAddress, $0.count, result, error) }
        }
    }

    // MARK: asking

    func byteCount(path: String?) throws(TableError) -> Int {
        var bytes: Int64 = 0
        try checked(path: path) { carrow_byte_count(pointer, &bytes, $0) }
        return Int(bytes)
    }

    /// How many rows of its file stand before the first.
    var rowsBefore: Int { Int(carrow_rows_before(pointer)) }

    var rowCount: Int { Int(carrow_row_count(pointer)) }

    var columnNames: [String] {
        (0..<carrow_column_count(pointer)).map { String(cString: carrow_column_name(pointer, $0)) }
    }

    func columnType(_ column: Int) -> String { String(cString: carrow_column_type(pointer, Int32(column))) }

    func line(ofRow row: Int) -> Int? {
        precondition(row >= 0 && row < rowCount, "a row of the table")
        let line = carrow_line_of_row(pointer, Int64(row))
        return line == 0 ? nil : Int(line)
    }

    var badRows: [BadRow] {
        (0..<carrow_bad_row_count(pointer)).map { index in
            let row = carrow_bad_row(pointer, index)
            let bytes = UnsafeRawBufferPointer(start: row.text, count: row.text_bytes)
            return BadRow(
                line: Int(row.line),
                text: String(decoding: bytes, as: UTF8.self),
                reason: "expected \(row.expected_fields) fields, found \(row.actual_fields)"
            )
        }
    }

    // MARK: copying out

    func int64Column(_ column: Int, path: String?) throws(TableError) -> NullableColumn<Int64> {
        try fixedWidth(path: path) { values, validity, error in
            carrow_copy_int64(pointer, Int32(column), values, validity, error)
        }
    }

    /// Microseconds.
    func timestampColumn(_ column: Int, path: String?) throws(TableError) -> NullableColumn<Int64> {
        try fixedWidth(path: path) { values, validity, error in
            carrow_copy_timestamps(pointer, Int32(column), values, validity, error)
        }
    }

    /// The bits of doubles.
    func doubleColumn(_ column: Int, path: String?) throws(TableError) -> NullableColumn<Int64> {
        try fixedWidth(path: path) { values, validity, error in
            carrow_copy_doubles(pointer, Int32(column), values, validity, error)
        }
    }

    /// 0 or 1.
    func boolColumn(_ column: Int, path: String?) throws(TableError) -> NullableColumn<Int64> {
        try fixedWidth(path: path) { values, validity, error in
            carrow_copy_bools(pointer, Int32(column), values, validity, error)
        }
    }

    /// Calls `body` with the UTF-8 bytes of each row, nil for null. The bytes are valid during the call only.
    ///
    /// - Parameter asCells: true: of any type, as CSV has it; false: text, integers and bools only.
    func forEachText(
        _ column: Int,
        path: String?,
        asCells: Bool = false,
        _ body: (Int, UnsafeRawBufferPointer?) throws(TableError) -> Void
    ) throws(TableError) {
        var text = CArrowText()
        try checked(path: path) { error in
            asCells
                ? carrow_copy_cells(pointer, Int32(column), &text, error)
                : carrow_copy_text(pointer, Int32(column), &text, error)
        }
        defer { carrow_text_free(&text) }
        for row in 0..<Int(text.rows) {
            if text.validity[row] == 0 {
                try body(row, nil)
            } else {
                let start = Int(text.offsets[row])
                let count = Int(text.offsets[row + 1]) - start
                try body(row, UnsafeRawBufferPointer(start: text.bytes + start, count: count))
            }
        }
    }

    /// The text of a column, as `forEachText` gives it, all at once.
    func textBytes(_ column: Int, path: String?) throws(TableError) -> TextColumn {
        var text = CArrowText()
        try checked(path: path) { carrow_copy_text(pointer, Int32(column), &text, $0) }
        return TextColumn(owning: text)
    }

    // MARK: writing

    func write(to writer: OpaquePointer, path: String) throws(TableError) {
        try checked(path: path) { carrow_writer_append(writer, pointer, $0) }
    }

    func metadata(_ key: String) -> String? { carrow_metadata(pointer, key).map { String(cString: $0) } }

    // MARK: the border

    typealias ErrorPointer = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    private static func make(
        path: String?,
        _ body: (UnsafeMutablePointer<OpaquePointer?>, ErrorPointer) -> CArrowStatus
    ) throws(TableError) -> TableHandle {
        var made: OpaquePointer?
        try checked(path: path) { body(&made, $0) }
        guard let made else { throw TableError(code: .internal, message: "no table was made", path: path) }
        return TableHandle(owning: made)
    }

    private func fixedWidth(
        path: String?,
        _ body: (UnsafeMutablePointer<Int64>?, UnsafeMutablePointer<UInt8>?, ErrorPointer) -> CArrowStatus
    ) throws(TableError) -> NullableColumn<Int64> {
        var values = [Int64](repeating: 0, count: rowCount)
        var validity = [UInt8](repeating: 0, count: rowCount)
        try checked(path: path) { error in
            values.withUnsafeMutableBufferPointer { values in
                validity.withUnsafeMutableBufferPointer { body(values.baseAddress, $0.baseAddress, error) }
            }
        }
        return NullableColumn(values: values, isValid: validity.map { $0 != 0 })
    }

    /// The one funnel for C errors: frees the message and maps the status.
    static func checked(path: String?, _ body: (ErrorPointer) -> CArrowStatus) throws(TableError) {
        var message: UnsafeMutablePointer<CChar>?
        let status = body(&message)
        guard status != CARROW_OK else { return }
        defer { carrow_error_free(message) }
        throw TableError(
            code: TableError.Code(status),
            message: message.map { String(cString: $0) } ?? "out of memory",
            path: path
        )
    }

    private func checked(path: String?, _ body: (ErrorPointer) -> CArrowStatus) throws(TableError) {
        try Self.checked(path: path, body)
    }
}

extension TableError.Code {
    fileprivate init(_ status: CArrowStatus) {
        self =
            switch status {
            case CARROW_NO_SUCH_FILE: .noSuchFile
            case CARROW_IO: .inputOutput
            case CARROW_MALFORMED: .malformed
            case CARROW_TYPE: .badValue
            case CARROW_OUT_OF_MEMORY: .outOfMemory
            default: .internal
            }
    }
}

extension TableFormat {
    var code: CArrowFormat {
        switch self {
        case .csv: CARROW_CSV
        case .parquet: CARROW_PARQUET
        case .arrow: CARROW_IPC
        }
    }
}

extension [Bool] {
    /// The flags as bytes of 0 or 1, which is how Swift stores a `Bool`.
    func withUnsafeValidity<Result>(_ body: (UnsafePointer<UInt8>?) -> Result) -> Result {
        withUnsafeBytes { body($0.assumingMemoryBound(to: UInt8.self).baseAddress) }
    }
}

/// Lends strings as zero-terminated C strings, valid during the call.
func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    var bytes: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(bytes.count)
        bytes.append(contentsOf: string.utf8CString)
    }
    return bytes.withUnsafeBufferPointer { buffer in
        starts.map { start in buffer.baseAddress.map { $0 + start } }.withUnsafeBufferPointer(body)
    }
}
