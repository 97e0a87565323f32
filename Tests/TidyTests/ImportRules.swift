// Which module may import which: arrows only downward, C and C++ behind one target each, no Foundation where data flows.

import Testing

enum ImportRules {
    /// Every target of ours with what it may import. A target imports only targets that stand before it. Standard library
    /// modules that come with the toolchain are named too: pure code gets none of them.
    static let allowed: [(target: String, imports: Set<String>)] = [
        ("FeatureModel", []),
        ("Expressions", ["FeatureModel"]),
        ("Windowing", ["FeatureModel"]),
        ("FeatureRepository", ["Expressions", "FeatureModel", "Crypto", "Glibc", "Yams"]),
        ("RocksDB", ["CRocksDB", "Glibc", "Synchronization"]),
        ("KafkaLog", ["CRdKafka", "Synchronization"]),
        ("ArrowTables", ["FeatureModel", "CArrow"]),
        ("Scheduling", ["CScheduling", "Glibc", "Synchronization"]),
        ("FeatureHistory", ["Expressions", "FeatureModel", "Windowing", "RocksDB", "Atomics", "Glibc"]),
        (
            "Ingest",
            [
                "Expressions", "FeatureModel", "Windowing", "FeatureHistory", "KafkaLog", "CSimdJSON", "Scheduling",
                "Glibc",
                "Logging", "NIOConcurrencyHelpers", "Synchronization",
            ]
        ),
        ("WireProtocol", ["CZlib", "FeatureModel", "NIOCore"]),
        ("TrainingSets", ["FeatureModel", "Windowing", "FeatureHistory"]),
        (
            "FeatureServer",
            [
                "FeatureModel", "Windowing", "FeatureHistory", "FeatureRepository", "Ingest", "Scheduling",
                "TrainingSets",
                "WireProtocol", "Atomics", "Crypto", "FoundationEssentials", "Logging", "NIOConcurrencyHelpers",
                "NIOCore",
                "NIOPosix", "NIOSSL", "Synchronization",
            ]
        ),
        (
            "FeatureHTTP",
            [
                "FeatureModel", "Windowing", "FeatureHistory", "Scheduling", "WireProtocol", "FeatureServer",
                "CSimdJSON",
                "Glibc", "HTTPTypes", "Hummingbird", "HummingbirdCore", "Logging", "NIOConcurrencyHelpers", "NIOCore",
                "NIOPosix", "NIOSSL", "ServiceLifecycle",
            ]
        ),
        (
            "StrandlineClient",
            ["FeatureModel", "WireProtocol", "Glibc", "NIOConcurrencyHelpers", "NIOCore", "NIOPosix", "NIOSSL"]
        ),
        // Its oracle judges live stores too: `strandline parity`.
        ("FeatureTesting", ["FeatureModel", "Glibc", "Synchronization"]),
        (
            "strandline",
            [
                "CJemalloc", "Expressions", "FeatureModel", "FeatureRepository", "KafkaLog", "ArrowTables",
                "FeatureHistory",
                "Ingest",
                "WireProtocol", "Scheduling", "TrainingSets",
                "FeatureServer", "FeatureHTTP", "StrandlineClient", "FeatureTesting", "ArgumentParser",
                "Crypto", "FoundationEssentials",
                "Glibc", "Logging",
                "NIOCore",
                "NIOPosix", "NIOSSL", "ServiceLifecycle", "Synchronization", "UnixSignals",
            ]
        ),
    ]

    /// The targets that speak each C or C++ engine: one, but of simdjson. Ingest decodes records by their schema, and the
    /// HTTP side whole documents; they share no code above the C functions.
    static let engines: [String: Set<String>] = [
        "CRocksDB": ["RocksDB"], "CRdKafka": ["KafkaLog"], "CSimdJSON": ["Ingest", "FeatureHTTP"],
        "CArrow": ["ArrowTables"], "CZlib": ["WireProtocol"], "CJemalloc": ["strandline"],
        "CScheduling": ["Scheduling"],
    ]

    /// Control plane: rare, small, and never on the way of an event or a lookup.
    static let mayUseFoundationEssentials: Set<String> = ["FeatureServer", "strandline"]

    /// The modules that a file imports, by line.
    static func imports(in text: SwiftText) -> [(line: Int, module: String)] {
        text.codeLines.enumerated().compactMap { number, line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count else { return nil }
            let before = words[..<place]
            let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
            guard before.allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) }) else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name = kinds.contains(words[place + 1]) ? words.dropFirst(place + 2).first : words[place + 1]
            return name.map { (number + 1, String($0.prefix { $0 != "." })) }
        }
    }

    static func findings(in file: SourceFile, target: String) -> [Finding] {
        guard let rule = allowed.first(where: { $0.target == target }) else {
            return [Finding(place: file.path, line: 1, what: "target '\(target)' has no line in ImportRules.allowed")]
        }
        return imports(in: SwiftText(file.bytes)).filter { !rule.imports.contains($0.module) }.map {
            Finding(place: file.path, line: $0.line, what: "\(target) may not import \($0.module)")
        }
    }
}

@Suite("Imports")
struct ImportRuleTests {
    @Test func everyTargetImportsWhatItMay() {
        let findings = SourceTree.swiftFiles.filter { $0.isIn("Sources") }.flatMap { file in
            ImportRules.findings(in: file, target: String(file.path.split(separator: "/")[1]))
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func arrowsPointDownward() {
        let names = ImportRules.allowed.map(\.target)
        #expect(Set(names).count == names.count)
        for (place, rule) in ImportRules.allowed.enumerated() {
            let upward = rule.imports.intersection(names[place...])
            #expect(upward.isEmpty, "\(rule.target) stands before \(upward.sorted()), which it imports")
        }
    }

    @Test func enginesStandBehindTheirTargets() {
        for rule in ImportRules.allowed {
            for module in rule.imports {
                guard let owners = ImportRules.engines[module] else { continue }
                #expect(owners.contains(rule.target), "only \(owners.sorted()) speak \(module)")
            }
        }
    }

    @Test func foundationStaysOutside() {
        for rule in ImportRules.allowed {
            #expect(!rule.imports.contains("Foundation"), "\(rule.target): FoundationEssentials at most")
            let isControlPlane = ImportRules.mayUseFoundationEssentials.contains(rule.target)
            #expect(isControlPlane || !rule.imports.contains("FoundationEssentials"), "\(rule.target) carries data")
        }
    }

    /// Every test is a Swift Testing test: `make test` runs with the other runner switched off.
    @Test func noXCTest() {
        let other = "XC" + "Test"
        let findings = SourceTree.swiftFiles.flatMap { file in
            ImportRules.imports(in: SwiftText(file.bytes)).filter { $0.module == other }.map {
                Finding(place: file.path, line: $0.line, what: "use Swift Testing")
            }
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func theScannerFindsImports() {
        let sample = SwiftText(
            """
            // import InAComment
            import Plain
            public import Seen
            @preconcurrency import struct Parts.Piece
            let text = "import InAString"
            """
        )
        let found = ImportRules.imports(in: sample)
        #expect(found.map(\.module) == ["Plain", "Seen", "Parts"])
        #expect(found.map(\.line) == [2, 3, 4])
        let bad = SourceFile(path: "Sources/Windowing/Bad.swift", bytes: Array("import RocksDB\n".utf8))
        #expect(ImportRules.findings(in: bad, target: "Windowing").count == 1)
        #expect(ImportRules.findings(in: bad, target: "Unheard").count == 1)
    }

    /// A tree that was not found would keep every rule.
    @Test func theTreeIsThere() {
        #expect(SourceTree.swiftFiles.count > 150)
        #expect(SourceTree.pages.count > 10)
        #expect(SourceTree.file("Sources/FeatureModel/Instant.swift") != nil)
        let targets = Set(
            SourceTree.swiftFiles.filter { $0.isIn("Sources") }.map { String($0.path.split(separator: "/")[1]) }
        )
        #expect(targets == Set(ImportRules.allowed.map(\.target)))
    }
}

/// Findings, one a line, for a failed expectation.
func list(_ findings: [Finding]) -> String { findings.map(\.description).joined(separator: "\n") }
