public import FeatureModel

/// A name in an expression: `amount`, `"gross amount"` or `request.amount`.
public struct ExpressionName: Hashable, Sendable, CustomStringConvertible {
    /// What stands before the dot.
    public let qualifier: String?
    public let name: String

    public init(qualifier: String? = nil, _ name: String) {
        self.qualifier = qualifier
        self.name = name
    }

    /// As it is written in an expression, in quotes where it needs them.
    public var description: String {
        (qualifier.map { Self.written($0) + "." } ?? "") + Self.written(name)
    }

    private static func written(_ word: String) -> String {
        let isPlain =
            word.utf8.enumerated().allSatisfy { place, byte in
                Lexer.isWordStart(byte) || (place > 0 && Lexer.isDigit(byte))
            } && !word.isEmpty && Keyword(rawValue: word.lowercased()) == nil
        return isPlain ? word : Lexer.quoted(word, by: "\"")
    }
}

/// What an expression may read: names with their types, each at an index.
///
/// The index is the input's place among the columns and its bit in the null word of a row, see `ExpressionColumns`.
public struct ExpressionScope: Sendable {
    /// One readable value.
    public struct Input: Hashable, Sendable {
        public let name: ExpressionName
        public let type: ValueType

        public init(_ name: ExpressionName, _ type: ValueType) {
            self.name = name
            self.type = type
        }
    }

    /// In the order of their indices.
    public let inputs: [Input]
    private let indices: [ExpressionName: Int]
    private let refusals: [ExpressionName: String]

    /// Of inputs with equal names the first one is read.
    ///
    /// - Parameter refusals: names that exist but cannot be read, with what to say of them in place of "unknown name".
    public init(_ inputs: [Input], refusals: [ExpressionName: String] = [:]) {
        self.inputs = inputs
        self.refusals = refusals
        indices = Dictionary(inputs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The fields of a schema, under their bare names.
    public init(_ fields: [Field]) {
        self.init(fields.map { Input(ExpressionName($0.name), $0.type) })
    }

    /// Names are case-sensitive.
    public func index(of name: ExpressionName) -> Int? { indices[name] }

    /// What to say of a name that is not among the inputs.
    func problem(of name: ExpressionName) -> String {
        refusals[name] ?? "unknown name '\(name)'\(hint(for: name))"
    }

    private func hint(for name: ExpressionName) -> String {
        // Only what stands before the dot is missing, or is there too much.
        if let other = inputs.first(where: { $0.name.name == name.name }) { return "; did you mean '\(other.name)'?" }
        return FeatureModel.hint(for: name.description, among: inputs.map(\.name.description), title: "names")
    }
}
