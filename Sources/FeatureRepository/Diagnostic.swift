// What is wrong, and where: `feature_views.yaml:12:9: unknown function 'summ'; did you mean 'sum'?`

/// A place in a repository file.
public struct Location: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 stands for the file as a whole.
    public var line: Int
    /// From 1, in Unicode scalars; 0 stands for the file as a whole.
    public var column: Int

    public init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line:column`, or just the file's name.
    public var description: String { line == 0 ? file : "\(file):\(line):\(column)" }
}

/// One mistake in a feature repository.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    public var location: Location
    public var message: String

    public init(location: Location, message: String) {
        self.location = location
        self.message = message
    }

    public var file: String { location.file }
    public var line: Int { location.line }
    public var column: Int { location.column }

    /// `file:line:column: message`, the form that editors and CI logs turn into links.
    public var description: String { "\(location): \(message)" }
}

/// Every mistake that was found in a feature repository, in the order of the files.
public struct RepositoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Never empty.
    public var diagnostics: [Diagnostic]

    public init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    /// One line per mistake.
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// Collects mistakes while the readers go on. A class, so that every reader adds to one list.
final class DiagnosticList {
    /// More mistakes than this are counted, not listed: nobody reads them, and a hostile file could make millions.
    static let countMax = 500

    private var diagnostics: [Diagnostic] = []
    private var unlistedCount = 0
    private let fileOrder: [String: Int]

    init(files: [String]) {
        fileOrder = Dictionary(files.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var isEmpty: Bool { diagnostics.isEmpty }

    /// How many mistakes there are so far; a reader compares it to learn whether its part was right.
    var count: Int { diagnostics.count + unlistedCount }

    /// - Parameter message: only computed when the mistake is listed; looking for a near word costs time.
    func add(_ location: Location, _ message: @autoclosure () -> String) {
        guard diagnostics.count < Self.countMax else {
            unlistedCount += 1
            return
        }
        diagnostics.append(Diagnostic(location: location, message: message()))
    }

    /// The mistakes in file order; within a place, in the order in which they were found.
    func sorted() -> [Diagnostic] {
        func key(_ location: Location) -> (Int, Int, Int) {
            (fileOrder[location.file] ?? .max, location.line, location.column)
        }
        var sorted = diagnostics.enumerated().sorted { a, b in
            let (left, right) = (key(a.element.location), key(b.element.location))
            return left == right ? a.offset < b.offset : left < right
        }.map(\.element)
        if unlistedCount > 0, let last = sorted.last {
            let message = "\(unlistedCount) more mistakes are not listed"
            sorted.append(Diagnostic(location: Location(file: last.file), message: message))
        }
        return sorted
    }
}
