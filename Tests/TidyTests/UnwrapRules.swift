// Decoders read bytes from outside: they answer with an error and never trap. Forced unwraps, casts and tries have no place
// in them. (Traps by arithmetic and by index are what the mutation and fuzz tests look for.)

import Testing

enum UnwrapRules {
    static func isDecoder(_ file: SourceFile) -> Bool {
        file.isIn("Sources/WireProtocol") || file.isIn("Sources/FeatureHistory/Encoding")
            || file.isIn("Sources/StrandlineClient") || file.isIn("Sources/FeatureServer")
            || ["JSONRecordDecoder.swift", "RecordIntake.swift", "EntityKey.swift"].contains(file.name)
    }

    /// An exclamation mark directly after an operand or a keyword, and not the beginning of `!=`.
    static func findings(in text: SwiftText, _ path: String) -> [Finding] {
        var findings: [Finding] = []
        for (number, line) in text.codeLines.enumerated() {
            let bytes = Array(line.utf8)
            for index in bytes.indices.dropFirst() where bytes[index] == UInt8(ascii: "!") {
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "=") { continue }
                if isOperandEnd(bytes[index - 1]) {
                    findings.append(Finding(place: path, line: number + 1, what: "forced: \(line)"))
                }
            }
        }
        return findings
    }

    private static func isOperandEnd(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "_"), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "?"),
            UInt8(ascii: "`"):
            true
        default: false
        }
    }
}

@Suite("Decoders do not trap")
struct UnwrapRuleTests {
    @Test func nothingIsForced() {
        let decoders = SourceTree.swiftFiles.filter(UnwrapRules.isDecoder)
        #expect(decoders.count > 30)
        let findings = decoders.flatMap { UnwrapRules.findings(in: SwiftText($0.bytes), $0.path) }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test(arguments: [
        "let a = b!", "try! decode()", "x as! Int", "f(a)!.count", "a[0]!", "\"text \\(value!)\"", "(a ?? b)! + 1",
        "let a: Int! = nil",
    ])
    func theScannerFinds(_ line: String) {
        #expect(UnwrapRules.findings(in: SwiftText("first\n" + line), "x").map(\.line) == [2])
    }

    @Test(arguments: [
        "if !a { }", "a != b", "a!=b", "// really!", "\"no!\"", "/* a! */ f()", "f(!a, !b)", "#\"raw \\(a!)\"#", "[!a]",
    ])
    func theScannerPasses(_ line: String) {
        #expect(UnwrapRules.findings(in: SwiftText(line + "\nlast"), "x").isEmpty)
    }

    @Test func stringsOverSeveralLinesAreStrings() {
        let text = SwiftText("let a = \"\"\"\n  b! \"quoted\" c!\n  \\(d!)\n  \"\"\"\ne!")
        #expect(UnwrapRules.findings(in: text, "x").map(\.line) == [3, 5])
    }
}
