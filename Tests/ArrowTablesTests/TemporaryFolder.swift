import Glibc

/// A folder of a test's own, removed with all it holds when the last reference goes.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/arrow-tables-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(errno: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink(file(name)) }
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        guard let stream = fopen(file(name), "w") else { throw Failure(errno: errno) }
        defer { fclose(stream) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw Failure(errno: errno) }
        return file(name)
    }

    func read(_ name: String) throws -> String {
        guard let stream = fopen(file(name), "r") else { throw Failure(errno: errno) }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// All bytes of a file.
    func bytes(_ name: String) throws -> [UInt8] {
        guard let stream = fopen(file(name), "r") else { throw Failure(errno: errno) }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&piece, 1, piece.count, stream)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    /// What the folder holds, sorted.
    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    struct Failure: Error { let errno: Int32 }
}
