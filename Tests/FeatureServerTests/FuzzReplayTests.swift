import FeatureTesting
import Glibc
import ServerFuzzing
import Testing
import WireProtocol

/// The fuzzer's corpus, and mutations of it, without the fuzzer: `make fuzz` goes further.
@Suite(.timeLimit(.minutes(2)))
struct FuzzReplayTests {
    private static let folder = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Fuzz/corpus"

    private static func corpus() throws -> [(name: String, input: [UInt8])] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var inputs: [(name: String, input: [UInt8])] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix("."), let stream = fopen(folder + "/" + name, "r") else { continue }
            defer { fclose(stream) }
            var input: [UInt8] = []
            while case let byte = getc(stream), byte != EOF { input.append(UInt8(truncatingIfNeeded: byte)) }
            inputs.append((name, input))
        }
        return inputs.sorted { $0.name < $1.name }
    }

    @Test func corpusAndMutations() throws {
        let corpus = try Self.corpus()
        try #require(corpus.count >= 20)
        let fuzzer = try ServerFuzzer()
        for (name, input) in corpus { #expect(input.withUnsafeBytes { fuzzer.run($0) } == nil, "\(name)") }
        // The seeds reach what they are to reach.
        #expect(fuzzer.seen == Set(MessageType.allCases.filter { !$0.isFromClient }))
        for seed in TestSeeds.list(10_000) {
            var random = SplitMix64(seed: seed)
            let (name, original) = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            var input = original
            for _ in 0..<Int.random(in: 1...5, using: &random) where !input.isEmpty {
                let at = Int.random(in: 0..<input.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: input[at] = UInt8.random(in: 0...255, using: &random)
                case 1: input[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: input[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                case 3: input.removeSubrange(at..<min(input.count, at + Int.random(in: 1...9, using: &random)))
                case 4: input.insert(contentsOf: input[at..<min(input.count, at + 20)], at: at)
                default: for index in at..<min(input.count, at + 4) { input[index] = 0xff }
                }
            }
            let problem = input.withUnsafeBytes { fuzzer.run($0) }
            #expect(problem == nil, "of \(name); \(TestSeeds.hint(seed))")
        }
    }
}
