// Rules for the text of files: tabs, long lines, leftover markers, paths of one machine, long files, names that say nothing.

import Testing

enum TextRules {
    static let lineLengthMax = 140
    static let fileLengthMax = 400
    /// How a file past `fileLengthMax` begins its reason, in a comment within its first lines.
    static let reason = "One file because"

    static func tabs(in file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { number, line in
            line.utf8.contains(0x09) ? Finding(place: file.path, line: number + 1, what: "a tab") : nil
        }
    }

    /// Files that had longer lines when this rule came, with how many. Numbers only ever go down; new files are not added.
    static let longLinesKnown: [String: Int] = [
        "Sources/FeatureHistory/Encoding/JournalCodec.swift": 1,
        "Sources/FeatureHistory/Store/FeatureStore+Commits.swift": 1,
        "Sources/FeatureHistory/Store/FeatureStore+Definitions.swift": 1,
        "Sources/FeatureHistory/Store/LeafWriter.swift": 1,
        "Sources/FeatureServer/ConnectionHandler.swift": 1,
        "Sources/Ingest/DeadLetterForwarder.swift": 1,
        "Sources/strandline/ServeCommand.swift": 1,
        "Sources/strandline/StatusCommand.swift": 1,
        "Tests/FeatureHistoryTests/CodecFuzzTests.swift": 2,
        "Tests/FeatureHistoryTests/ConcurrencyTests.swift": 1,
        "Tests/FeatureHistoryTests/DurabilityTests.swift": 3,
        "Tests/FeatureHistoryTests/LeakageTests.swift": 2,
        "Tests/FeatureHistoryTests/MetamorphicTests.swift": 1,
        "Tests/FeatureHistoryTests/SchemaGrowthTests.swift": 1,
        "Tests/FeatureHistoryTests/Support.swift": 4,
        "Tests/FeatureServerTests/HostileBytesTests.swift": 1,
        "Tests/FeatureServerTests/LookupTests.swift": 1,
        "Tests/FeatureServerTests/ServerUnderTest.swift": 1,
        "Tests/IngestTests/EndToEndTests.swift": 6,
        "Tests/IngestTests/RecordIntakeTests.swift": 7,
        "Tests/IngestTests/Support.swift": 2,
        "Tests/WindowingTests/ExactSumTests.swift": 1,
        "Tests/WindowingTests/OracleTests.swift": 1,
        "Tests/WindowingTests/StatusTests.swift": 1,
    ]

    /// The contents of Swift strings do not count: a message stands on one line, so that it can be searched for.
    static func longLines(in file: SourceFile) -> [Finding] {
        let lengths =
            file.kind == "swift" ? SwiftText(file.bytes).lengthsWithoutStrings : file.lines.map(\.unicodeScalars.count)
        return lengths.enumerated().compactMap { number, length in
            length > lineLengthMax ? Finding(place: file.path, line: number + 1, what: "\(length) characters") : nil
        }
    }

    /// Words that promise work for later; written in halves here, so that this file keeps its own rule.
    static let markers = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

    static func markers(in file: SourceFile) -> [Finding] {
        file.lines.enumerated().flatMap { number, line in
            markers.filter { containsWord($0, in: line) }.map { Finding(place: file.path, line: number + 1, what: $0) }
        }
    }

    static let machineFolders = ["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers"]

    /// Absolute paths that exist on one machine only.
    static func machinePaths(in file: SourceFile) -> [Finding] {
        file.lines.enumerated().flatMap { number, line in
            machineFolders.filter { containsPath("/" + $0, in: line) }.map {
                Finding(place: file.path, line: number + 1, what: "/\($0)")
            }
        }
    }

    static func isTooLong(_ file: SourceFile) -> Bool {
        let lines = file.lines
        return lines.count > fileLengthMax && !lines.prefix(12).contains { $0.contains(reason) }
    }

    private static func containsWord(_ word: String, in line: Substring) -> Bool {
        occurrences(of: word, in: line).contains { before, after in !isWordByte(before) && !isWordByte(after) }
    }

    private static func containsPath(_ path: String, in line: Substring) -> Bool {
        occurrences(of: path, in: line).contains { before, after in
            // Part of a longer path or of an address, such as example.org/home, is something else.
            let goesOn =
                isWordByte(before)
                || [UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "}"), UInt8(ascii: "-")].contains(before)
            return !goesOn && !isWordByte(after) && after != UInt8(ascii: "-")
        }
    }

    /// The bytes before and after each occurrence; spaces at the ends of the line.
    private static func occurrences(of word: String, in line: Substring) -> [(before: UInt8, after: UInt8)] {
        let bytes = Array(line.utf8)
        let wanted = Array(word.utf8)
        guard bytes.count >= wanted.count else { return [] }
        return (0...(bytes.count - wanted.count)).filter { bytes[$0...].starts(with: wanted) }.map { start in
            let end = start + wanted.count
            return (start > 0 ? bytes[start - 1] : 0x20, end < bytes.count ? bytes[end] : 0x20)
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

@Suite("Text")
struct TextRuleTests {
    @Test func noTabs() {
        // A recipe of make begins with one.
        let findings = SourceTree.files.filter { $0.name != "Makefile" }.flatMap(TextRules.tabs)
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func noLongLines() {
        for file in SourceTree.files.filter(\.isCode) {
            let findings = TextRules.longLines(in: file)
            #expect(findings.count <= TextRules.longLinesKnown[file.path] ?? 0, "\(list(findings))")
        }
    }

    @Test func knownLongLinesAreInFilesThatExist() {
        for path in TextRules.longLinesKnown.keys {
            #expect(SourceTree.file(path) != nil, "\(path) is gone: take its line out")
        }
    }

    @Test func noLeftovers() {
        let findings = SourceTree.files.flatMap(TextRules.markers)
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func noPathsOfOneMachine() {
        let findings = SourceTree.files.flatMap(TextRules.machinePaths)
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func longFilesSayWhy() {
        let findings = SourceTree.files.filter { $0.isCode && TextRules.isTooLong($0) }
        #expect(findings.isEmpty, "say '\(TextRules.reason)...' at the top, or split: \(findings)")
    }

    @Test func namesSayWhatIsInside() {
        let drawer = "Ut" + "ils"
        let findings = SourceTree.files.filter { $0.path.lowercased().contains(drawer.lowercased()) }
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func everyFileEndsWithALineFeed() {
        let findings = SourceTree.files.filter { !$0.bytes.isEmpty && $0.bytes.last != 0x0a }
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test func theRulesCanFail() {
        let long = String(repeating: "a", count: 141)
        #expect(TextRules.tabs(in: sample("a\n\tb\n")).map(\.line) == [2])
        #expect(TextRules.longLines(in: sample("\(long)\nb\n")).map(\.line) == [1])
        #expect(TextRules.longLines(in: sample("let a = \"\(long)\"\n")).isEmpty)
        #expect(TextRules.longLines(in: sample("a = \"\(long)\"\n", "x.py")).count == 1)
        for marker in TextRules.markers {
            #expect(TextRules.markers(in: sample("a\n// \(marker): later\n")).map(\.line) == [2])
            #expect(TextRules.markers(in: sample("let \(marker)name = \"X\(marker)X\"\n")).isEmpty)
        }
        for folder in TextRules.machineFolders {
            #expect(TextRules.machinePaths(in: sample("let a = \"/\(folder)/b\"\n")).count == 1)
            #expect(TextRules.machinePaths(in: sample("// see (/\(folder))\n")).count == 1)
            #expect(
                TextRules.machinePaths(in: sample("// example.org/\(folder)/b, /\(folder)-made, a/\(folder)s\n"))
                    .isEmpty
            )
        }
        let lines = String(repeating: "a\n", count: 401)
        #expect(TextRules.isTooLong(sample(lines)))
        #expect(!TextRules.isTooLong(sample("// \(TextRules.reason) it is a table.\n" + lines)))
    }

    private func sample(_ text: String, _ path: String = "x.swift") -> SourceFile {
        SourceFile(path: path, bytes: Array(text.utf8))
    }
}
