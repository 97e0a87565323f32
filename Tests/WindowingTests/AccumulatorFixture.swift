import FeatureTesting

/// `Tests/Fixtures/accumulators/<name>.txt`, in words; `make_fixtures.py` beside it wrote it.
func accumulatorFixture(_ name: String, file: String = #filePath) -> [[Substring]] {
    let tests = file.split(separator: "/").dropLast(2).joined(separator: "/")
    let bytes = TemporaryFolder.read("/\(tests)/Fixtures/accumulators/\(name).txt")
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
}

extension Double {
    /// A double by its bits in hexadecimal.
    init?(bits text: some StringProtocol) {
        guard let bits = UInt64(text, radix: 16) else { return nil }
        self.init(bitPattern: bits)
    }
}
