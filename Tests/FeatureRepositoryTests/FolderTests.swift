// Reading a folder.

import FeatureRepository
import Foundation
import Testing

@Suite struct FolderTests {
    /// A folder of files for the duration of a test.
    private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        try body(folder.path)
    }

    private func failure(_ directory: String) -> String {
        do {
            _ = try RepositoryFiles.load(directory: directory)
            return ""
        } catch {
            return error.description
        }
    }

    @Test func yamlFilesInTheOrderOfTheirNames() throws {
        let files = [
            "b.yml": "2", "feature_store.yaml": "3", "a.yaml": "1", ".c.yaml": "x", "note.txt": "x", "c.yaml.bak": "x",
        ]
        try withFolder(files) { directory in
            try FileManager.default.createDirectory(atPath: directory + "/sub.yaml", withIntermediateDirectories: true)
            let read = try RepositoryFiles.load(directory: directory)
            #expect(read == ["a.yaml": "1", "b.yml": "2", "feature_store.yaml": "3"].asFiles)
        }
    }

    @Test func whatIsMissingIsSaid() throws {
        try withFolder([:]) { directory in
            #expect(
                failure(directory)
                    == "\(directory): no *.yaml files here; a feature repository has at least feature_store.yaml"
            )
        }
        try withFolder(["a.yaml": ""]) { directory in
            #expect(failure(directory) == "\(directory): no feature_store.yaml here; it names the project")
        }
        try withFolder(["feature_store.yml": ""]) { directory in
            #expect(failure(directory) == "\(directory): no feature_store.yaml here; rename feature_store.yml")
        }
        #expect(failure("/does/not/exist") == "/does/not/exist: cannot read the folder: No such file or directory")
    }

    @Test func filesThatCannotBeReadAreAllNamed() throws {
        try withFolder(["feature_store.yaml": "project: a"]) { directory in
            try Data([0x61, 0xFF]).write(to: URL(fileURLWithPath: directory + "/a.yaml"))
            try Data(repeating: 0x20, count: (1 << 20) + 1).write(to: URL(fileURLWithPath: directory + "/b.yaml"))
            #expect(mkfifo(directory + "/pipe.yaml", 0o600) == 0)
            #expect(
                failure(directory)
                    == "a.yaml: is not UTF-8 text\nb.yaml: the file has 1048577 bytes; at most 1048576 are read\npipe.yaml: is not a regular file"
            )
        }
    }

    @Test func limitsHoldForTextsFromTheWireToo() {
        let long = String(repeating: " ", count: (1 << 20) + 1)
        #expect(
            mistakes(RepositoryFiles(["feature_store.yaml": long])) == [
                "feature_store.yaml: the file has 1048577 bytes; at most 1048576 are read"
            ]
        )
        #expect(
            mistakes(RepositoryFiles([])) == [
                "feature_store.yaml: the repository has no such file; it names the project"
            ]
        )
        #expect(
            mistakes(RepositoryFiles(["feature_store.yaml": "project: a", "a.yaml": "", "a.yaml": ""]))
                == ["a.yaml: the repository has two files of this name"]
        )
        let many = RepositoryFiles(
            (0...1000).map { .init(name: "\($0).yaml", text: "") } + [.init(name: "feature_store.yaml", text: "")]
        )
        #expect(mistakes(many) == ["feature_store.yaml: the repository has 1002 files; at most 1000 are read"])
    }
}

extension Dictionary<String, String> {
    fileprivate var asFiles: RepositoryFiles {
        RepositoryFiles(sorted { $0.key < $1.key }.map { .init(name: $0.key, text: $0.value) })
    }
}
