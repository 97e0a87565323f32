// Text to values. Every file of this module is one step of this way:
//
//   text --Lexer--> tokens --Parser--> SyntaxTree --Lowering--> Program --ExpressionEvaluator--> slots + outcomes
//                                          |                       |
//                                    CanonicalText           runs over columns of 8-byte slots, 256 rows at a time:
//                                    (for hashes)            ingest's batches and a lookup's single row alike
//
// Mistakes (`ExpressionMistake`) can only come from the steps up to `Program`. A program runs on every row there is:
// what has no value is null, what has a value that does not fit its type is `overflow`.

/// An expression that follows the grammar; which names it may use is decided when it is compiled.
public struct ParsedExpression: Hashable, Sendable {
    private let tree: SyntaxTree
    /// The one text of all expressions that differ only in layout, letter case of keywords, brackets or aliases. Parses
    /// back to the same expression. Content hashes are made of it.
    public let canonicalText: String

    /// The names in it, each once, in the order in which they first stand there.
    public var names: [ExpressionName] {
        var seen: Set<ExpressionName> = []
        return tree.nodes.compactMap { node in
            guard case .name(let name) = node.kind, seen.insert(name).inserted else { return nil }
            return name
        }
    }

    /// - Throws: a mistake of the grammar, or a text beyond 16 KiB or 64 nestings.
    public init(_ text: String) throws(ExpressionMistake) {
        tree = try Parser.tree(of: text)
        canonicalText = CanonicalText.text(of: tree)
    }

    /// Finds names, checks types and makes a program.
    ///
    /// - Throws: an unknown name, a type that does not fit, a constant part that overflows, an input beyond the 64th.
    public func compile(
        in scope: ExpressionScope,
        numbering: InputNumbering = .scope
    ) throws(ExpressionMistake) -> CompiledExpression {
        var lowering = try Lowering(tree, scope, numbering)
        let (program, inputs) = try lowering.run()
        return CompiledExpression(canonicalText: canonicalText, inputs: inputs, program: program)
    }

    public static func == (a: ParsedExpression, b: ParsedExpression) -> Bool { a.canonicalText == b.canonicalText }

    public func hash(into hasher: inout Hasher) { hasher.combine(canonicalText) }
}

/// Which column of an evaluation is which input.
public enum InputNumbering: Hashable, Sendable {
    /// An input's index in the scope: for batches that hold the whole scope as columns, at most 64 of them.
    case scope
    /// An input's place in `CompiledExpression.inputs`: for callers that gather just what is read out of many.
    case used
}
