import ArgumentParser
import ArrowTables
import FeatureModel
import FeatureServer
import Glibc
import StrandlineClient

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a training set against its manifest and the live store.",
        discussion: """
            Examples:
              strandline verify train.parquet.manifest.json
              strandline verify train.parquet.manifest.json --all
              strandline verify train.parquet.manifest.json --sample 500 --output json

            Checks that neither the file nor the manifest changed since they were written,
            that the features' definitions are the same, and, cell by cell, that the store
            gives the same bits again as known at the manifest's K, of no event at or after
            a row's time less the embargo. Events that came later do not matter.

            Exit status: 0 verified, 3 something differs and is named, 4 nothing differs,
            but some of it cannot be verified any more (history that was dropped).
            """
    )

    @Argument(help: "The manifest; the training set stands beside it.")
    var manifest: String

    @Option(help: "How many rows are drawn and computed again; all of them where there are fewer.")
    var sample = 10_000

    @Flag(help: "Compute all rows again.")
    var all = false

    @Option(help: "What draws the rows; default: another one each time.")
    var seed: UInt64?

    @Option(help: "table or json.")
    var output = OutputFormat.table

    @OptionGroup var connection: ClientConnection

    mutating func run() async throws {
        guard sample >= 1 else { throw Failure(.usage, "--sample must be 1 or more; --all computes all rows") }
        let (path, count) = (manifest, all ? Int.max : sample)
        let seed = seed ?? UInt64.random(in: 0 ... .max)
        var report = VerifyReport(seed: seed)
        do {
            let file = try ManifestFile(path: path, &report)
            report = try await connection.withClient { [report] client in
                try await TrainingSetVerifier(file: file, client: client, rowCountMax: count, report: report).run()
            }
        } catch let error as TableError {
            throw Failure(error)
        }
        print(output == .json ? try JSONMessage.encode(report) : report.text)
        Failure.leave(with: report.status)
    }
}

/// A manifest with the file beside it, as they stand on disk.
struct ManifestFile {
    let manifest: TrainingSetManifest
    /// The training set.
    let path: String

    /// Reads the manifest, and compares both files with their checksums.
    init(path: String, _ report: inout VerifyReport) throws {
        let bytes = try Self.bytes(of: path)
        let (manifest, isIntact) = try ManifestText.decode(bytes, path: path)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        self.manifest = manifest
        self.path = folder + manifest.file.name
        if !isIntact {
            report.add(.manifest, "\(path): the manifest is not as it was written: its own checksum does not fit")
        }
        guard !manifest.file.name.contains("/") else {
            throw Failure(.mismatches, "\(path): the manifest names a file elsewhere, '\(manifest.file.name)'")
        }
        guard let (digest, byteCount) = FileDigest.of(path: self.path) else {
            throw Failure(.notFound, "\(self.path): cannot be read: \(String(cString: strerror(errno)))")
        }
        if digest != manifest.file.sha256 || byteCount != manifest.file.bytes {
            report.add(
                .file,
                "\(self.path): the file is not the one that the manifest describes: SHA-256 \(digest.prefix(16))... of "
                    + "\(byteCount) bytes, not \(manifest.file.sha256.prefix(16))... of \(manifest.file.bytes)"
            )
        }
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw Failure(
                code == ENOENT ? .notFound : .failed,
                "\(path): cannot be read: \(String(cString: strerror(code)))"
            )
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw Failure(.failed, "\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= 64 << 20 else { throw Failure(.usage, "\(path): no manifest is as long as this file") }
        }
    }
}
