// The texts of a feature repository. Parsing takes these and not a folder, so that the CLI can send them over the wire
// and the server reads them with the same code.

/// The YAML files of a feature repository, in order.
public struct RepositoryFiles: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        /// The name within the repository, as diagnostics print it.
        public var name: String
        public var text: String
        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    public var files: [File]

    public init(_ files: [File]) { self.files = files }

    public init(_ files: KeyValuePairs<String, String>) { self.files = files.map { File(name: $0, text: $1) } }

    /// The file with the project, the server's settings and the Kafka settings.
    public static let storeFileName = "feature_store.yaml"

    /// Longest file, in bytes: 1 MiB.
    public static let fileBytesMax = 1 << 20
    /// Most files of one repository.
    public static let fileCountMax = 1000
    /// All files together, in bytes: 16 MiB.
    public static let bytesMax = 16 << 20

    /// What makes these files unfit for parsing as a whole: too many, too large, two of one name, no
    /// `feature_store.yaml`.
    func checkLimits(_ diagnostics: DiagnosticList) {
        let store = Location(file: Self.storeFileName)
        if files.count > Self.fileCountMax {
            diagnostics.add(store, "the repository has \(files.count) files; at most \(Self.fileCountMax) are read")
        }
        var names: Set<String> = []
        var total = 0
        for file in files {
            total += file.text.utf8.count
            if file.text.utf8.count > Self.fileBytesMax {
                diagnostics.add(Location(file: file.name), Self.tooLong(byteCount: file.text.utf8.count))
            }
            if !names.insert(file.name).inserted {
                diagnostics.add(Location(file: file.name), "the repository has two files of this name")
            }
        }
        if total > Self.bytesMax {
            diagnostics.add(store, "the repository's files have \(total) bytes; at most \(Self.bytesMax) are read")
        }
        if !names.contains(Self.storeFileName) {
            diagnostics.add(store, "the repository has no such file; it names the project")
        }
    }

    static func tooLong(byteCount: Int) -> String {
        "the file has \(byteCount) bytes; at most \(fileBytesMax) are read"
    }
}
