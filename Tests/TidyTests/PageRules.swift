// The pages keep their word: links lead somewhere, files exist, and what is shown as a command can be typed.

import Testing

enum PageRules {
    /// Links that lead nowhere. Addresses of other sites are not looked at.
    static func brokenLinks(
        in page: PageText,
        _ path: String,
        exists: (String) -> Bool,
        anchors: (String) -> Set<String>
    ) -> [Finding] {
        page.links.compactMap { link in
            guard !link.target.contains("://"), !link.target.hasPrefix("mailto:") else { return nil }
            let parts = link.target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let target = parts[0].isEmpty ? path : resolve(String(parts[0]), from: path)
            let isThere = exists(target) && (parts.count < 2 || anchors(target).contains(String(parts[1])))
            return isThere ? nil : Finding(place: path, line: link.line, what: "link to \(link.target)")
        }
    }

    /// `../b.md` seen from `docs/a.md` is `b.md`.
    static func resolve(_ target: String, from path: String) -> String {
        var folders = path.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = folders.popLast() } else { folders.append(String(part)) }
        }
        return folders.joined(separator: "/")
    }

    private static let roots = [
        "Sources/", "Tests/", "Benchmarks/", "docs/", "python/", "docker/", "feature_repo/", ".ci/",
    ]

    /// Files that code spans name and that do not exist. Patterns and placeholders are not looked at.
    static func missingFiles(in page: PageText, _ path: String, exists: (String) -> Bool) -> [Finding] {
        page.code.compactMap { code in
            guard !code.isBlock, roots.contains(where: { code.text.hasPrefix($0) }) else { return nil }
            guard !code.text.contains(where: { "*<> {…".contains($0) }), !code.text.contains("NNNN") else { return nil }
            // Written by a server, not checked in.
            guard !code.text.hasPrefix("feature_repo/data") else { return nil }
            return exists(code.text) ? nil : Finding(place: path, line: code.line, what: "no file \(code.text)")
        }
    }

    /// The words that follow `command` where code shows it being run.
    static func words(after command: String, in page: PageText) -> [(line: Int, word: String, rest: String)] {
        page.code.flatMap { code -> [(line: Int, word: String, rest: String)] in
            let shown =
                code.isBlock ? code.text.split(separator: "#", omittingEmptySubsequences: false)[0] : code.text[...]
            let words = shown.split { " \t|;&($\"'".contains($0) }
            return words.indices.dropLast().compactMap { place in
                guard words[place] == command || words[place].hasSuffix("/" + command) else { return nil }
                // `import strandline`, and a container image of that name.
                if place > 0, ["import", "-t", "from"].contains(words[place - 1]) { return nil }
                let next = words[place + 1]
                guard let first = next.first, first.isLetter, next.allSatisfy({ $0.isLetter || $0 == "-" }) else {
                    return nil
                }
                return (code.line, String(next), words[(place + 2)...].joined(separator: " "))
            }
        }
    }

    /// The targets of a Makefile.
    static func makeTargets(in text: String) -> Set<String> {
        Set(
            text.split(separator: "\n").compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line.first?.isLetter ?? false else { return nil }
                let name = line[..<colon]
                return name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" } ? String(name) : nil
            }
        )
    }

    /// What stands in quotes after `label` in the command line's sources.
    static func quoted(after label: String, in files: [SourceFile]) -> Set<String> {
        Set(
            files.flatMap { file in
                file.lines.flatMap { line -> [String] in
                    guard let start = line.firstRange(of: label) else { return [] }
                    let rest = line[start.upperBound...].drop { $0 == " " }
                    guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return [] }
                    return [String(rest[rest.index(after: rest.startIndex)..<end])]
                }
            }
        )
    }

    /// The long options that the command line takes: `var dataDir` after `@Option` is `--data-dir`.
    static func options(in files: [SourceFile]) -> Set<String> {
        var options = quoted(after: "customLong(", in: files).union(["help", "version"])
        for file in files {
            var isOption = false
            for line in file.lines {
                if line.contains("@Option") || line.contains("@Flag") { isOption = true }
                guard isOption, let start = line.firstRange(of: "var ") else { continue }
                isOption = false
                let name = line[start.upperBound...].prefix { $0.isLetter || $0.isNumber }
                options.insert(name.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined())
            }
        }
        return options
    }

    static func unknownWords(
        after command: String,
        known: Set<String>,
        in page: PageText,
        _ path: String
    ) -> [Finding] {
        words(after: command, in: page).filter { !known.contains($0.word) }.map {
            Finding(place: path, line: $0.line, what: "there is no '\(command) \($0.word)'")
        }
    }

    static func unknownOptions(known: Set<String>, in page: PageText, _ path: String) -> [Finding] {
        words(after: "strandline", in: page).flatMap { shown in
            shown.rest.split(separator: " ").filter { $0.hasPrefix("--") }.compactMap { option in
                let name = String(option.dropFirst(2).prefix { $0.isLetter || $0 == "-" })
                return known.contains(name)
                    ? nil : Finding(place: path, line: shown.line, what: "there is no option --\(name)")
            }
        }
    }
}

@Suite("Pages")
struct PageRuleTests {
    private static let pages = SourceTree.pages.map { ($0.path, PageText($0.text)) }
    private static let commandLine = SourceTree.swiftFiles.filter { $0.isIn("Sources/strandline") }
    private static let verbs = PageRules.quoted(after: "commandName:", in: commandLine)

    @Test func linksResolve() {
        let byPath = Dictionary(uniqueKeysWithValues: Self.pages)
        let findings = Self.pages.flatMap { path, page in
            PageRules.brokenLinks(in: page, path, exists: SourceTree.exists) { byPath[$0]?.anchors ?? [] }
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func namedFilesExist() {
        let findings = Self.pages.flatMap { path, page in
            PageRules.missingFiles(in: page, path, exists: SourceTree.exists)
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func makeTargetsExist() {
        let targets = PageRules.makeTargets(in: SourceTree.file("Makefile")?.text ?? "")
        #expect(targets.isSuperset(of: ["build", "test", "demo", "serve"]))
        let findings = Self.pages.flatMap { path, page in
            PageRules.unknownWords(after: "make", known: targets, in: page, path)
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    @Test func verbsAndOptionsExist() {
        let options = PageRules.options(in: Self.commandLine)
        #expect(Self.verbs.isSuperset(of: ["serve", "apply", "get", "training-set"]))
        #expect(options.isSuperset(of: ["repo", "data-dir", "topic", "as-of"]))
        let findings = Self.pages.flatMap { path, page in
            PageRules.unknownWords(after: "strandline", known: Self.verbs, in: page, path)
                + PageRules.unknownOptions(known: options, in: page, path)
        }
        #expect(findings.isEmpty, "\(list(findings))")
    }

    /// Every verb has at least one place in the pages where it is shown.
    @Test func everyVerbIsShown() {
        let shown = Set(Self.pages.flatMap { PageRules.words(after: "strandline", in: $0.1).map(\.word) })
        #expect(Self.verbs.subtracting(shown.union(["strandline"])).isEmpty)
    }

    @Test func everyReasonAndStatusIsExplained() {
        let semantics = SourceTree.file("docs/semantics.md")?.text ?? ""
        let sources = SourceTree.swiftFiles.filter { ["RejectionReason.swift"].contains($0.name) }
        let reasons = PageRules.quoted(after: "=", in: sources).union(["oversized"])
        #expect(reasons.count >= 11)
        for reason in reasons {
            #expect(semantics.contains("`\(reason)`"), "docs/semantics.md does not explain \(reason)")
        }
    }

    @Test func theRulesCanFail() {
        let page = PageText(
            """
            # A title, with `code`
            [good](b.md#one-two) [bad](c.md) [gone](b.md#three) [far](https://example.org/x) [`spanned`](d.md)
            Run `make test`, not `make tset`; make sense of `strandline serve --nope x`.
            See `Sources/There.swift` and `Sources/Missing.swift` and `Sources/Any*.swift`.
            ```bash
            make demo      # make nothing
            cat a | strandline gte x | .build/release/strandline get --as-of 1
            import strandline
            ```
            """
        )
        let exists: (String) -> Bool = { ["docs/b.md", "Sources/There.swift"].contains($0) }
        let broken = PageRules.brokenLinks(in: page, "docs/a.md", exists: exists) { _ in ["one-two"] }
        #expect(broken.map(\.what) == ["link to c.md", "link to b.md#three", "link to d.md"])
        #expect(
            PageRules.missingFiles(in: page, "docs/a.md", exists: exists).map(\.what) == [
                "no file Sources/Missing.swift"
            ]
        )
        #expect(PageRules.words(after: "make", in: page).map(\.word) == ["test", "tset", "demo"])
        #expect(PageRules.unknownWords(after: "make", known: ["test", "demo"], in: page, "a").map(\.line) == [3])
        #expect(PageRules.unknownWords(after: "strandline", known: ["serve", "get"], in: page, "a").map(\.line) == [7])
        #expect(PageRules.unknownOptions(known: ["as-of"], in: page, "a").map(\.what) == ["there is no option --nope"])
        #expect(page.anchors == ["a-title-with-code"])
        #expect(PageRules.resolve("../x/./y.md", from: "docs/format/a.md") == "docs/x/y.md")
        #expect(PageRules.makeTargets(in: "a-b: c ## text\nVAR := 1\n\tcommand: x\n.PHONY: a\n") == ["a-b"])
    }
}
