import Glibc

/// The lines of a file or of standard input, one by one. A read that fails is an error and never the end of the file.
final class RecordLines {
    private let input: UnsafeMutablePointer<FILE>
    private var line: UnsafeMutablePointer<CChar>?
    private var capacity = 0

    /// For messages.
    let name: String
    /// The line that `next()` gave last, counted from 1.
    private(set) var number = 0
    /// The bytes of the lines so far.
    private(set) var bytesRead = 0

    /// - Parameter path: `-` for standard input.
    init(path: String) throws {
        name = path == "-" ? "standard input" : path
        guard let opened = path == "-" ? fdopen(STDIN_FILENO, "r") : fopen(path, "r") else {
            throw Self.unreadable(name, errno)
        }
        input = opened
    }

    deinit {
        free(line)
        fclose(input)
    }

    /// The size of a file; nil for what has none, such as a pipe.
    var byteCount: Int? {
        var information = stat()
        guard fstat(fileno(input), &information) == 0, information.st_size > 0 else { return nil }
        return Int(information.st_size)
    }

    /// The next line without its end; nil after the last one.
    func next() throws -> [UInt8]? {
        errno = 0
        let count = getline(&line, &capacity, input)
        guard count > 0, let line else {
            // `getline` says -1 for both.
            guard ferror(input) == 0 else { throw Self.unreadable(name, errno) }
            return nil
        }
        number += 1
        bytesRead += count
        var record = [UInt8](UnsafeRawBufferPointer(start: line, count: count))
        while let last = record.last, last == 0x0a || last == 0x0d { record.removeLast() }
        return record
    }

    private static func unreadable(_ name: String, _ code: Int32) -> Failure {
        Failure(code == ENOENT ? .notFound : .failed, "\(name): cannot be read: \(String(cString: strerror(code)))")
    }
}
