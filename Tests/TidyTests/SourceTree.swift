// The files that the tidy tests look at: what is written by hand in this checkout, and nothing that was built or fetched.

import FoundationEssentials
import Glibc

/// One file of the checkout.
struct SourceFile: Sendable, CustomStringConvertible {
    /// Seen from the checkout's root, such as `Sources/FeatureModel/Instant.swift`.
    let path: String
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }
    /// A final line feed ends the last line and begins no further one.
    var lines: [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        return lines
    }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    /// What follows the last dot; the whole name where there is none (`Makefile`).
    var kind: String { name.split(separator: ".").last.map(String.init) ?? name }
    var isCode: Bool { ["swift", "cpp", "hpp", "c", "h", "py", "sh", "run"].contains(kind) }
    var description: String { path }

    /// Whether the file stands under this folder.
    func isIn(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
}

enum SourceTree {
    /// The checkout's root: three folders above this file, through any symbolic link.
    static let root: String = {
        guard let resolved = realpath(#filePath, nil) else { return "." }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    }()

    static let files: [SourceFile] = {
        let folders = ["Sources", "Tests", "Benchmarks", "python", "docs", "docker", "feature_repo", ".ci"]
        var paths = ["Package.swift", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        for folder in folders { collect(folder, into: &paths) }
        return paths.sorted().compactMap { path in
            FileManager.default.contents(atPath: root + "/" + path).map { SourceFile(path: path, bytes: Array($0)) }
        }
    }()

    static let swiftFiles = files.filter { $0.kind == "swift" }
    static let pages = files.filter { $0.kind == "md" }

    static func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    /// What tools leave behind, data directories, and bytes that are not text.
    private static let skippedFolders: Set<String> = [
        "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".build", "data", "Fixtures",
    ]
    private static let kinds: Set<String> = [
        "swift", "cpp", "hpp", "c", "h", "modulemap", "py", "sh", "run", "md", "yaml", "toml", "txt", "Dockerfile",
    ]

    private static func collect(_ folder: String, into paths: inout [String]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? []
        for name in names {
            let path = folder + "/" + name
            var isFolder = false
            guard FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isFolder) else { continue }
            if isFolder {
                if !skippedFolders.contains(name), !name.hasSuffix(".egg-info") { collect(path, into: &paths) }
            } else if kinds.contains(name.split(separator: ".").last.map(String.init) ?? name) {
                paths.append(path)
            }
        }
    }
}

/// Something that a rule objects to, as `path:line: what`.
struct Finding: Hashable, Sendable, CustomStringConvertible {
    let place: String
    let line: Int
    let what: String

    var description: String { "\(place):\(line): \(what)" }
}
