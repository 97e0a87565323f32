import FoundationEssentials

/// A manifest as the bytes of its file, with their checksum inside: SHA-256 of all bytes, in which the checksum's own 64
/// digits are zeros. So any program can check it, whatever its JSON looks like.
enum ManifestText {
    static let noDigest = String(repeating: "0", count: 64)

    /// Equal manifests are equal bytes.
    static func encode(_ manifest: TrainingSetManifest) throws -> [UInt8] {
        var blank = manifest
        blank.manifestSha256 = noDigest
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let text = String(decoding: try encoder.encode(blank), as: UTF8.self) + "\n"
        return Array(replacing(noDigest, by: FileDigest.of(Array(text.utf8)), in: text).utf8)
    }

    /// - Returns: the manifest, and whether its checksum is that of the bytes.
    static func decode(_ bytes: [UInt8], path: String) throws -> (manifest: TrainingSetManifest, isIntact: Bool) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let manifest: TrainingSetManifest
        do {
            let format = try decoder.decode(Format.self, from: Data(bytes)).format
            guard format == TrainingSetManifest.newestFormat else {
                throw Failure(
                    .usage,
                    "\(path): a manifest of format \(format); this version reads format \(TrainingSetManifest.newestFormat)"
                )
            }
            manifest = try decoder.decode(TrainingSetManifest.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw Failure(
                .usage,
                "\(path): this is not a training set's manifest (\(reason(error))); give the file that training-set wrote "
                    + "beside its output, OUT.manifest.json"
            )
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let digest = FileDigest.of(Array(replacing(manifest.manifestSha256, by: noDigest, in: text).utf8))
        return (manifest, digest == manifest.manifestSha256)
    }

    private struct Format: Codable { var format: Int }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "the key \(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "wrong value of \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        default: "not JSON"
        }
    }

    private static func replacing(_ part: String, by other: String, in text: String) -> String {
        guard !part.isEmpty else { return text }
        return text.replacing(part, with: other)
    }
}
