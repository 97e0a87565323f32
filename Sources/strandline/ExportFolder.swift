// The folder of an export, whole or not at all:
//
//   .NAME.partial/   beside NAME, locked while it is written    date=2026-01-31/part-00000.parquet ... _manifest.json _SUCCESS
//   NAME/            renamed to at the end
//
// A kill leaves the hidden folder; the next export to NAME takes it away.

import ArrowTables
import Glibc

struct ExportFolder: Sendable {
    let path: String
    private let hidden: String
    /// What is to go has this name: it is never published.
    private let discarded: String
    private let parent: String

    /// - Parameter path: where it is to stand.
    init(_ path: String) throws {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        let name = trimmed.split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else {
            throw Failure(.usage, "--out: '\(path)' names no folder of its own; give one that does not exist yet")
        }
        self.path = String(trimmed)
        let slash = trimmed.lastIndex(of: "/")
        parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        hidden = (parent == "/" ? "" : parent) + "/.\(name).partial"
        discarded = (parent == "/" ? "" : parent) + "/.\(name).discarded"
    }

    /// Finds out before the work what would fail after it.
    func check() throws {
        var information = stat()
        guard stat(path, &information) == 0 else {
            let code = errno
            guard code == ENOENT else { throw Failure(.failed, "\(path): \(String(cString: strerror(code)))") }
            guard access(parent, W_OK | X_OK) == 0 else {
                let code = errno
                throw Failure(
                    code == ENOENT ? .notFound : .failed,
                    "\(path): cannot create a folder in '\(parent)': \(String(cString: strerror(code)))"
                )
            }
            return
        }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(.usage, "\(path): cannot be written: it is no folder")
        }
        guard try Self.names(in: path).isEmpty else {
            throw Failure(
                .usage,
                "\(path): the folder is not empty; an export goes into a new one. Give another --out, or remove it first"
            )
        }
    }

    /// Makes the hidden folder, in place of what a killed export left; no other export may be writing there.
    func begin() throws {
        Self.remove(discarded)
        if let descriptor = lock() {
            // Nobody has it: what stands there is a killed one's.
            Self.remove(hidden)
            close(descriptor)
        } else if errno == EWOULDBLOCK {
            throw Failure(.failed, "\(path): another export is writing there")
        }
        // The lock lives as long as the process.
        guard mkdir(hidden, 0o777) == 0, lock() != nil else { throw failed("cannot create '\(hidden)'") }
    }

    private func lock() -> Int32? {
        let descriptor = open(hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            errno = code
            return nil
        }
        return descriptor
    }

    /// Writes a file by its path in the folder.
    ///
    /// - Returns: its SHA-256 and its length in bytes.
    func write(_ table: Table, as name: String, metadata: [String: String]) throws -> (digest: String, byteCount: Int) {
        if let slash = name.firstIndex(of: "/") {
            let folder = "\(hidden)/\(name[..<slash])"
            guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw failed("cannot create '\(folder)'") }
        }
        let file = try table.unpublished(path: "\(hidden)/\(name)", metadata: metadata)
        guard let result = FileDigest.of(descriptor: file.descriptor) else { throw failed("cannot read '\(name)'") }
        try file.publish()
        return result
    }

    func write(_ bytes: [UInt8], as name: String) throws {
        try UnpublishedFile(path: "\(hidden)/\(name)", bytes: bytes).publish()
    }

    /// Gives the folder its name.
    func publish() throws {
        guard rename(hidden, path) == 0 else { throw failed("cannot rename '\(hidden)' to it") }
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Takes away what is not published. Another thread may be about to publish it: one of the two renames is first, so that
    /// it is whole under its name or gone. What that thread writes meanwhile finds no place, or is taken away too.
    func discard() {
        Self.remove(discarded)
        guard rename(hidden, discarded) == 0 else { return }
        for _ in 0..<200 {
            Self.remove(discarded)
            if access(discarded, F_OK) != 0 { return }
            usleep(5000)
        }
    }

    private func failed(_ what: String) -> Failure {
        Failure(.failed, "\(path): \(what): \(String(cString: strerror(errno)))")
    }

    /// A folder of files, and of folders of files.
    private static func remove(_ folder: String) {
        guard let names = try? names(in: folder) else { return }
        for name in names where unlink("\(folder)/\(name)") != 0 { remove("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            throw Failure(.failed, "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
