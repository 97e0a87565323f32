// Reads the YAML files of one folder. Plain POSIX: a named pipe or a device called x.yaml must not block the caller.

import Glibc

extension RepositoryFiles {
    /// Reads every `*.yaml` and `*.yml` file of a folder, sorted by name. Subfolders and hidden files are left alone;
    /// symbolic links are followed.
    ///
    /// - Throws: `RepositoryError` when the folder or a file cannot be read, when a file is longer than `fileBytesMax`
    ///   or is not UTF-8, when there are more than `fileCountMax` files, when there is no YAML file, or when
    ///   `feature_store.yaml` is missing.
    public static func load(directory: String) throws(RepositoryError) -> RepositoryFiles {
        let names = try yamlNames(in: directory)
        let folder = Location(file: directory)
        if names.isEmpty {
            throw RepositoryError(folder, "no *.yaml files here; a feature repository has at least \(storeFileName)")
        }
        if names.count > fileCountMax {
            throw RepositoryError(folder, "\(names.count) YAML files; at most \(fileCountMax) are read")
        }
        if !names.contains(storeFileName) {
            let near = names.contains("feature_store.yml") ? "; rename feature_store.yml" : "; it names the project"
            throw RepositoryError(folder, "no \(storeFileName) here\(near)")
        }
        var files: [File] = []
        var diagnostics: [Diagnostic] = []
        for name in names {
            do {
                files.append(File(name: name, text: try readText(directory + "/" + name, name: name)))
            } catch {
                diagnostics += error.diagnostics
            }
        }
        if !diagnostics.isEmpty { throw RepositoryError(diagnostics: diagnostics) }
        return RepositoryFiles(files)
    }

    private static func yamlNames(in directory: String) throws(RepositoryError) -> [String] {
        guard let stream = opendir(directory) else {
            throw RepositoryError(Location(file: directory), "cannot read the folder: \(errnoText())")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix("."), name.hasSuffix(".yaml") || name.hasSuffix(".yml") else { continue }
            if entry.pointee.d_type != UInt8(DT_DIR) { names.append(name) }
        }
        return names.sorted()
    }

    private static func readText(_ path: String, name: String) throws(RepositoryError) -> String {
        let location = Location(file: name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw RepositoryError(location, "cannot open the file: \(errnoText())") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RepositoryError(location, "is not a regular file")
        }
        guard status.st_size <= fileBytesMax else {
            throw RepositoryError(location, tooLong(byteCount: Int(status.st_size)))
        }
        // One byte more than allowed, so that a file that grows while it is read is noticed.
        var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw RepositoryError(location, "cannot read the file: \(errnoText())") }
            if got == 0 { break }
            count += got
        }
        guard count <= fileBytesMax else { throw RepositoryError(location, tooLong(byteCount: count)) }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw RepositoryError(location, "is not UTF-8 text")
        }
        return text
    }

    private static func errnoText() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        let number = errno
        guard strerror_r(number, &buffer, buffer.count) == 0 else { return "errno \(number)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension RepositoryError {
    init(_ location: Location, _ message: String) {
        self.init(diagnostics: [Diagnostic(location: location, message: message)])
    }
}
