import FeatureModel

/// The one text of an expression: what content hashes are made of, and what parses back to the same tree.
///
/// Keywords, functions and types in lower case under their canonical names, one space where there is any, brackets only
/// where the grouping needs them, numbers in their shortest form. Names keep their letters. Operands keep their order.
enum CanonicalText {
    static func text(of tree: SyntaxTree) -> String {
        // The text and the level of each node that no parent has taken yet.
        var parts: [(text: String, level: Level)] = []
        for node in tree.nodes {
            let count = node.range.count
            let operands = Array(parts.suffix(count))
            parts.removeLast(count)
            parts.append(part(node.kind, operands))
        }
        return parts.last?.text ?? ""
    }

    private typealias Part = (text: String, level: Level)

    private static func part(_ kind: SyntaxTree.Kind, _ operands: [Part]) -> Part {
        let texts = operands.map(\.text)
        switch kind {
        case .literal(let literal): return (text(of: literal), isNegative(literal) ? .negation : .primary)
        case .name(let name): return (name.description, .primary)
        case .call(let function): return ("\(function.rawValue)(\(texts.joined(separator: ", ")))", .primary)
        case .cast(let type): return ("cast(\(texts.joined()) as \(type.name))", .primary)
        case .choose(let hasOperand, let hasElse): return (choose(texts, hasOperand, hasElse), .primary)
        case .apply(let operation): return (applied(operation, operands), operation.level)
        }
    }

    private static func applied(_ operation: Operator, _ operands: [Part]) -> String {
        func operand(_ index: Int, _ least: Level) -> String {
            let part = operands[index]
            return part.level < least ? "(\(part.text))" : part.text
        }
        let (level, word) = (operation.level, operation.rawValue)
        let left = level == .comparison || level == .membership ? level.next : level
        switch operation {
        case .not: return "not " + operand(0, level)
        case .negate:
            let inner = operand(0, level)
            // Two signs in a row would begin a comment.
            return inner.hasPrefix("-") ? "-(\(inner))" : "-" + inner
        case .isNull, .isNotNull: return "\(operand(0, level)) \(word)"
        case .between, .notBetween:
            return "\(operand(0, left)) \(word) \(operand(1, level.next)) and \(operand(2, level.next))"
        case .isIn, .isNotIn:
            return "\(operand(0, left)) \(word) (\(operands.dropFirst().map(\.text).joined(separator: ", ")))"
        default: return "\(operand(0, left)) \(word) \(operand(1, level.next))"
        }
    }

    private static func choose(_ texts: [String], _ hasOperand: Bool, _ hasElse: Bool) -> String {
        var rest = texts[...]
        var text = "case"
        if hasOperand, let operand = rest.popFirst() { text += " \(operand)" }
        let last = hasElse ? rest.popLast() : nil
        while let condition = rest.popFirst(), let result = rest.popFirst() {
            text += " when \(condition) then \(result)"
        }
        if let last { text += " else \(last)" }
        return text + " end"
    }

    private static func text(of literal: Literal) -> String {
        switch literal {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int64(let value): String(value)
        case .float64(let value): "\(value)"
        case .string(let value): Lexer.quoted(value, by: "'")
        case .timestamp(let value): "timestamp '\(value.iso8601)'"
        }
    }

    private static func isNegative(_ literal: Literal) -> Bool {
        switch literal {
        case .int64(let value): value < 0
        case .float64(let value): value.sign == .minus
        default: false
        }
    }
}
