import Glibc

/// A file that is to be written. It appears by a rename in its folder, so that folder must be there and open to us.
struct OutputPlace {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Finds out before the work what would fail after it.
    func check() throws {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard access(folder, W_OK | X_OK) == 0 else {
            let code = errno
            throw Failure(
                code == ENOENT ? .notFound : .failed,
                "\(path): cannot create a file in '\(folder)': \(String(cString: strerror(code)))"
            )
        }
        var information = stat()
        if stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
            throw Failure(.failed, "\(path): cannot be written: it is a folder")
        }
    }
}
