import Glibc
import NIOCore

/// Reads `Tests/Fixtures/wire/<name>.hex`: lines of hexadecimal bytes; a line that begins with `#` is a comment.
enum GoldenFrame {
    /// Without those that have checksums, which only a decoder that was told so reads.
    static let names = [
        "admin", "admin_reply", "columns", "columns_nested", "error", "error_deadline", "error_overloaded", "hello",
        "hello_anonymous", "hello_options", "history_page", "history_page_place", "history_page_reply",
        "history_page_reply_empty", "lookup", "lookup_deadline", "lookup_now", "lookup_request", "ping", "pong",
        "prepare_references", "prepare_service", "prepared", "prepared_nested", "prepared_request", "rows",
        "rows_request", "rows_request_deadline", "rows_row_time", "values", "values_event_times", "values_nested",
        "welcome", "welcome_options",
    ]

    struct Unreadable: Error { var path: String }

    static func load(_ name: String, file: String = #filePath) throws -> ByteBuffer {
        let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(folder)/Fixtures/wire/\(name).hex"
        guard let stream = fopen(path, "r") else { throw Unreadable(path: path) }
        defer { fclose(stream) }
        var text: [UInt8] = []
        while case let byte = getc(stream), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        return ByteBuffer(
            bytes: try lines.flatMap { $0.split(separator: " ") }.map { pair in
                guard let byte = UInt8(pair, radix: 16) else { throw Unreadable(path: path) }
                return byte
            }
        )
    }
}
