import Glibc

/// A folder of its own for one test, removed with all that is in it.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() {
        var template = Array("/tmp/strandline-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp failed with \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.removeAll(path) }

    /// Removes a file, or a folder with all below it. `remove` refuses a folder that is not empty.
    private static func removeAll(_ path: String) {
        guard remove(path) != 0 else { return }
        for file in files(in: path) { removeAll(file) }
        rmdir(path)
    }

    /// The paths of what is in a folder.
    public static func files(in path: String, endingIn suffix: String = "") -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != "..", name.hasSuffix(suffix) { names.append("\(path)/\(name)") }
        }
        return names.sorted()
    }

    /// Copies the files of a folder (not its folders) into this one, as a killed process would leave them.
    public func takeFiles(of other: String) {
        for file in Self.files(in: other) where !file.hasSuffix("/LOCK") {
            let name = file.dropFirst(other.utf8.count + 1)
            Self.write(Self.read(file), to: "\(path)/\(name)")
        }
    }

    public static func read(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let size = max(0, ftell(file))
        rewind(file)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = fread(buffer.baseAddress, 1, size, file)
        }
    }

    public static func write(_ bytes: [UInt8], to path: String) {
        guard let file = fopen(path, "w") else { fatalError("cannot write \(path): \(errno)") }
        defer { fclose(file) }
        fwrite(bytes, 1, bytes.count, file)
    }
}
