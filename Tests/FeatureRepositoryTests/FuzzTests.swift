// Any text at all gives a repository or a list of mistakes, and nothing else. Every mistake lies within its file.
// STRANDLINE_FUZZ_SEED repeats a run, STRANDLINE_FUZZ_ROUNDS makes it longer.

import FeatureModel
import FeatureRepository
import Glibc
import Testing

@Suite struct FuzzTests {
    @Test func mutatedRepositoriesNeverCrash() throws {
        var system = SystemRandomNumberGenerator()
        let seed = number("STRANDLINE_FUZZ_SEED") ?? system.next()
        let rounds = Int(number("STRANDLINE_FUZZ_ROUNDS") ?? 1500)
        print("FuzzTests: STRANDLINE_FUZZ_SEED=\(seed) STRANDLINE_FUZZ_ROUNDS=\(rounds)")
        var random = SeededGenerator(state: seed)
        let bases = [Sample.files(), try RepositoryFiles.load(directory: ExampleTests.directory)]
        var right = 0
        for round in 0..<rounds {
            var files = bases[round % bases.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: files.files.indices, using: &random)
                files.files[index].text = mutated(files.files[index].text, &random)
            }
            do {
                let repository = try Repository(parsing: files, environment: round % 3 == 0 ? nil : [:])
                _ = definitionHash(of: repository.definition)
                _ = Plan(from: nil, to: repository.definition).json
                right += 1
            } catch {
                #expect(!error.diagnostics.isEmpty)
                for diagnostic in error.diagnostics {
                    let text = files.files.first { $0.name == diagnostic.file }?.text
                    let lineCount = text.map { $0.unicodeScalars.reduce(1) { $0 + ($1 == "\n" ? 1 : 0) } } ?? 0
                    #expect(
                        diagnostic.line <= lineCount && !diagnostic.message.isEmpty,
                        "seed \(seed), round \(round): \(diagnostic)"
                    )
                    #expect(
                        (diagnostic.line == 0) == (diagnostic.column == 0),
                        "seed \(seed), round \(round): \(diagnostic)"
                    )
                    let standIn = diagnostic.message.unicodeScalars.first { (0xE000...0xE0FF).contains($0.value) }
                    #expect(standIn == nil, "seed \(seed), round \(round): \(diagnostic)")
                }
            }
        }
        #expect(right > 0 && right < rounds)
    }

    private func number(_ variable: String) -> UInt64? { getenv(variable).flatMap { UInt64(String(cString: $0)) } }

    private func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
        let pieces = [
            "&a ", "*a", "? ", "- ", ": ", "[", "]", "{", "}", "'", "\"", "|\n", ">", "!!int ", "#", "\t", "\n", "\r\n",
            "---\n", "...\n",
            "<<: ", "%YAML 1.1\n", "~", "null", "\u{0}", "\u{FEFF}", "\u{E000}", "é", "\u{1F600}", "\u{301}", "\\xff",
            "\"\\uE010\"", "\"\\0\"",
            "9223372036854775808", "-1", "1e999", "nan", "${", "${X}", "$${", "name: ", "name", "lifetime", "0s",
            "99999999999999d", ",", "@",
        ]
        var scalars = Array(text.unicodeScalars)
        let at = Int.random(in: 0...scalars.count, using: &random)
        let end = min(scalars.count, at + Int.random(in: 0...12, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: scalars.removeSubrange(at..<end)
        case 1:
            scalars.insert(contentsOf: pieces[Int.random(in: pieces.indices, using: &random)].unicodeScalars, at: at)
        case 2: scalars.insert(contentsOf: scalars[at..<end], at: Int.random(in: 0...scalars.count, using: &random))
        case 3: scalars.removeSubrange(at...)
        case 4 where at < scalars.count: scalars[at] = Unicode.Scalar(UInt8.random(in: 0...255, using: &random))
        case 5:
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            lines.insert(
                lines[Int.random(in: lines.indices, using: &random)],
                at: Int.random(in: 0...lines.count, using: &random)
            )
            return lines.joined(separator: "\n")
        default:
            scalars.replaceSubrange(
                at..<end,
                with: pieces[Int.random(in: pieces.indices, using: &random)].unicodeScalars
            )
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
