// Tokens to a syntax tree, by precedence climbing:
//
//   or < and < not < is < comparison < between, in, like < || < + - < * / // % < unary - < ::
//
// Operators of one level group to the left. Comparisons (and `is distinct from`) do not chain, nor do between, in and
// like. Only brackets, calls, `case`, `not` and a sign nest, and each of them counts: depth is bounded before the stack
// is.

import FeatureModel

struct Parser {
    let tokens: [Token]
    private(set) var index = 0
    var tree = SyntaxTree()
    private var depth = 0

    /// How deep an expression may nest.
    static let depthMax = 64

    init(_ tokens: [Token]) { self.tokens = tokens }

    static func tree(of text: String) throws(ExpressionMistake) -> SyntaxTree {
        var parser = Parser(try Lexer.tokens(of: text))
        if parser.current.kind == .end { throw ExpressionMistake(0, "an expression cannot be empty") }
        _ = try parser.expression(.or)
        guard parser.current.kind == .end else { throw parser.unexpected("the end of the expression") }
        return parser.tree
    }

    /// An expression whose operators all bind at least as strongly as `minimum`; its node.
    mutating func expression(_ minimum: Level) throws(ExpressionMistake) -> Int {
        var left = try prefixed(minimum)
        // What may still follow: behind a finished operator only one that binds as strongly or less.
        var ceiling = Level.primary
        while let next = try infix(), next.level >= minimum {
            guard next.level <= ceiling else { throw chained(next) }
            left = try apply(next, to: left)
            let isChainable = next.level != .comparison && next.level != .membership
            ceiling = isChainable ? next.level : (Level(rawValue: next.level.rawValue - 1) ?? .or)
        }
        return left
    }

    private mutating func prefixed(_ minimum: Level) throws(ExpressionMistake) -> Int {
        let offset = current.offset
        if take(.not) {
            guard minimum <= .not else { throw ExpressionMistake(offset, "'not' needs parentheses here: (not ...)") }
            return try nested(.not, at: offset)
        }
        guard take(.minus) else { return try primary() }
        if let literal = try negativeLiteral() { return tree.append(.literal(literal), at: offset) }
        return try nested(.negate, at: offset)
    }

    private mutating func nested(_ prefix: Operator, at offset: Int) throws(ExpressionMistake) -> Int {
        try enter(at: offset)
        let operand = try expression(prefix.level)
        leave()
        return tree.append(.apply(prefix), [operand], at: offset)
    }

    /// The number behind a minus sign; nil when there is none, or when a cast binds it first.
    private mutating func negativeLiteral() throws(ExpressionMistake) -> Literal? {
        guard following.kind != .symbol(.doubleColon) else { return nil }
        let token = current
        switch token.kind {
        case .integer(let digits):
            advance()
            return .int64(try integer("-" + digits, at: token.offset))
        case .decimal(let text):
            advance()
            return .float64(-(try decimal(text, at: token.offset)))
        default: return nil
        }
    }

    // MARK: operators between operands

    private struct Infix {
        let operation: Operator
        let offset: Int
        /// How many tokens the operator itself has.
        let tokenCount: Int
        var level: Level { operation.level }
    }

    /// The operator that begins at the current token; nil when none does.
    private func infix() throws(ExpressionMistake) -> Infix? {
        let (offset, next) = (current.offset, following.kind)
        func found(_ operation: Operator, _ count: Int) -> Infix {
            Infix(operation: operation, offset: offset, tokenCount: count)
        }
        switch current.kind {
        case .symbol(let symbol): return Operator(symbol).map { found($0, 1) }
        case .keyword(.or): return found(.or, 1)
        case .keyword(.and): return found(.and, 1)
        case .keyword(.between): return found(.between, 1)
        case .keyword(.in): return found(.isIn, 1)
        case .keyword(.like): return found(.like, 1)
        case .keyword(.is):
            let isNegated = next == .keyword(.not)
            let behind = isNegated ? tokens[min(index + 2, tokens.count - 1)].kind : next
            guard behind == .keyword(.distinct) else {
                return found(isNegated ? .isNotNull : .isNull, isNegated ? 2 : 1)
            }
            return found(isNegated ? .isNotDistinct : .isDistinct, isNegated ? 3 : 2)
        case .keyword(.not):
            switch next {
            case .keyword(.between): return found(.notBetween, 2)
            case .keyword(.in): return found(.isNotIn, 2)
            case .keyword(.like): return found(.notLike, 2)
            default: throw ExpressionMistake(offset, "'not' between operands goes with between, in or like")
            }
        default: return nil
        }
    }

    private mutating func apply(_ infix: Infix, to left: Int) throws(ExpressionMistake) -> Int {
        advance(infix.tokenCount)
        let operation = infix.operation
        switch operation {
        case .isNull, .isNotNull: return try test(left, isNegated: operation == .isNotNull, at: infix.offset)
        case .isDistinct, .isNotDistinct:
            try expect(.from, "'from' behind 'distinct'")
            let right = try expression(operation.level.next)
            return tree.append(.apply(operation), [left, right], at: infix.offset)
        case .between, .notBetween:
            let low = try expression(.concatenation)
            try expect(.and, "'and' between the bounds of 'between'")
            let high = try expression(.concatenation)
            return tree.append(.apply(operation), [left, low, high], at: infix.offset)
        case .isIn, .isNotIn:
            try expect(.open, "'(' and the list of 'in'")
            let list = try arguments(at: infix.offset)
            guard !list.isEmpty else { throw ExpressionMistake(infix.offset, "the list of 'in' cannot be empty") }
            return tree.append(.apply(operation), [left] + list, at: infix.offset)
        default:
            let right = try expression(operation.level.next)
            return tree.append(.apply(operation), [left, right], at: infix.offset)
        }
    }

    /// What follows `is` or `is not`; being true is being not distinct from it.
    private mutating func test(_ left: Int, isNegated: Bool, at offset: Int) throws(ExpressionMistake) -> Int {
        let place = current.offset
        if take(.null) { return tree.append(.apply(isNegated ? .isNotNull : .isNull), [left], at: offset) }
        let wanted: Bool
        if take(.true) {
            wanted = true
        } else if take(.false) {
            wanted = false
        } else {
            throw unexpected("null, true, false or 'distinct from' behind 'is'")
        }
        let right = tree.append(.literal(.bool(wanted)), at: place)
        return tree.append(.apply(isNegated ? .isDistinct : .isNotDistinct), [left, right], at: offset)
    }

    private func chained(_ infix: Infix) -> ExpressionMistake {
        let advice = infix.level == .comparison ? "join comparisons with 'and', or use parentheses" : "use parentheses"
        return ExpressionMistake(infix.offset, "'\(infix.operation.rawValue)' cannot follow here; \(advice)")
    }

    // MARK: tokens

    var current: Token { tokens[min(index, tokens.count - 1)] }
    var following: Token { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance(_ count: Int = 1) { index = min(index + count, tokens.count - 1) }

    mutating func take(_ symbol: Symbol) -> Bool { take(.symbol(symbol)) }
    mutating func take(_ keyword: Keyword) -> Bool { take(.keyword(keyword)) }

    private mutating func take(_ kind: Token.Kind) -> Bool {
        guard current.kind == kind else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: Symbol, _ what: String) throws(ExpressionMistake) {
        guard take(symbol) else { throw unexpected(what) }
    }

    mutating func expect(_ keyword: Keyword, _ what: String) throws(ExpressionMistake) {
        guard take(keyword) else { throw unexpected(what) }
    }

    func unexpected(_ wanted: String) -> ExpressionMistake {
        let found =
            switch current.kind {
            case .word(let text), .integer(let text), .decimal(let text): "'\(text)'"
            case .keyword(let keyword): "'\(keyword.rawValue)'"
            case .quotedName(let name): Lexer.quoted(name, by: "\"")
            case .string: "a text"
            case .symbol(let symbol): "'\(symbol.rawValue)'"
            case .end: "the end"
            }
        return ExpressionMistake(current.offset, "expected \(wanted), found \(found)")
    }

    mutating func enter(at offset: Int) throws(ExpressionMistake) {
        depth += 1
        guard depth <= Self.depthMax else {
            throw ExpressionMistake(offset, "an expression nests at most \(Self.depthMax) deep")
        }
    }

    mutating func leave() { depth -= 1 }
}
