import FeatureModel

// What operators stand between: literals, names, calls, `case`, casts, brackets.

extension Parser {
    mutating func primary() throws(ExpressionMistake) -> Int {
        var node = try unit()
        while current.kind == .symbol(.doubleColon) {
            let offset = current.offset
            advance()
            node = tree.append(.cast(try typeName()), [node], at: offset)
        }
        return node
    }

    private mutating func unit() throws(ExpressionMistake) -> Int {
        let token = current
        let offset = token.offset
        switch token.kind {
        case .integer(let digits):
            advance()
            return tree.append(.literal(.int64(try integer(digits, at: offset))), at: offset)
        case .decimal(let text):
            advance()
            return tree.append(.literal(.float64(try decimal(text, at: offset))), at: offset)
        case .string(let text):
            advance()
            return tree.append(.literal(.string(text)), at: offset)
        case .keyword(.null): return constant(.null)
        case .keyword(.true): return constant(.bool(true))
        case .keyword(.false): return constant(.bool(false))
        case .keyword(.case): return try choose()
        case .keyword(.cast): return try cast()
        case .symbol(.open):
            try enter(at: offset)
            advance()
            let node = try expression(.or)
            try expect(.close, "')'")
            leave()
            return node
        case .word(let word):
            if following.kind == .symbol(.open) { return try call(word) }
            if word.lowercased() == "timestamp", case .string(let text) = following.kind {
                return try timestamp(text)
            }
            return try name(word)
        case .quotedName(let word): return try name(word)
        default: throw unexpected("a value")
        }
    }

    private mutating func constant(_ literal: Literal) -> Int {
        defer { advance() }
        return tree.append(.literal(literal), at: current.offset)
    }

    private mutating func name(_ first: String) throws(ExpressionMistake) -> Int {
        let offset = current.offset
        advance()
        guard take(.dot) else { return tree.append(.name(ExpressionName(first)), at: offset) }
        switch current.kind {
        case .word(let second), .quotedName(let second):
            advance()
            if current.kind == .symbol(.dot) { throw unexpected("a name with at most one dot") }
            return tree.append(.name(ExpressionName(qualifier: first, second)), at: offset)
        default: throw unexpected("a name behind '.'")
        }
    }

    private mutating func call(_ word: String) throws(ExpressionMistake) -> Int {
        let offset = current.offset
        guard let function = Function(name: word) else {
            let advice = hint(for: word.lowercased(), among: Function.names, title: "functions")
            throw ExpressionMistake(offset, "unknown function '\(word)'\(advice)")
        }
        advance(2)
        let found = try arguments(at: offset)
        let allowed = function.argumentCounts
        guard allowed.contains(found.count) else {
            let (low, high) = (allowed.lowerBound, allowed.upperBound)
            let wanted = high == Int.max ? "at least \(low)" : low == high ? "\(low)" : "\(low) to \(high)"
            let noun = wanted == "1" || wanted == "at least 1" ? "argument" : "arguments"
            throw ExpressionMistake(offset, "'\(function.rawValue)' takes \(wanted) \(noun), not \(found.count)")
        }
        return tree.append(.call(function), found, at: offset)
    }

    /// Expressions up to the closing bracket; the opening one is already taken.
    mutating func arguments(at offset: Int) throws(ExpressionMistake) -> [Int] {
        if take(.close) { return [] }
        try enter(at: offset)
        var found = [try expression(.or)]
        while take(.comma) { found.append(try expression(.or)) }
        try expect(.close, "',' or ')'")
        leave()
        return found
    }

    private mutating func choose() throws(ExpressionMistake) -> Int {
        let offset = current.offset
        try enter(at: offset)
        advance()
        var operands: [Int] = []
        let hasOperand = current.kind != .keyword(.when)
        if hasOperand { operands.append(try expression(.or)) }
        repeat {
            try expect(.when, "'when'")
            operands.append(try expression(.or))
            try expect(.then, "'then'")
            operands.append(try expression(.or))
        } while current.kind == .keyword(.when)
        let hasElse = take(.else)
        if hasElse { operands.append(try expression(.or)) }
        try expect(.end, hasElse ? "'end'" : "'when', 'else' or 'end'")
        leave()
        return tree.append(.choose(hasOperand: hasOperand, hasElse: hasElse), operands, at: offset, start: offset)
    }

    private mutating func cast() throws(ExpressionMistake) -> Int {
        let offset = current.offset
        try enter(at: offset)
        advance()
        try expect(.open, "'(' behind 'cast'")
        let operand = try expression(.or)
        try expect(.as, "'as' and a type")
        let type = try typeName()
        try expect(.close, "')'")
        leave()
        return tree.append(.cast(type), [operand], at: offset, start: offset)
    }

    private static let typeNames: [String: ValueType] = [
        "int64": .int64, "bigint": .int64, "float64": .float64, "double": .float64, "string": .string,
        "varchar": .string, "text": .string, "bool": .bool, "boolean": .bool, "timestamp": .timestamp,
    ]

    private mutating func typeName() throws(ExpressionMistake) -> ValueType {
        guard case .word(let word) = current.kind else { throw unexpected("a type") }
        guard let type = Self.typeNames[word.lowercased()] else {
            // The house's words first: they are what canonical text says.
            let names = ValueType.allCases.map(\.name) + ["bigint", "double", "varchar", "text", "boolean"]
            let advice = hint(for: word.lowercased(), among: names, title: "types")
            throw ExpressionMistake(current.offset, "unknown type '\(word)'\(advice)")
        }
        advance()
        return type
    }

    private mutating func timestamp(_ text: String) throws(ExpressionMistake) -> Int {
        let offset = current.offset
        // A zone can carry the instant out of the years that have a written form.
        guard let instant = Instant(iso8601: text), Instant(iso8601: instant.iso8601) == instant else {
            throw ExpressionMistake(
                following.offset,
                "'\(text)' is not a time; write ISO 8601, such as timestamp '2026-11-24T08:15:00Z'"
            )
        }
        advance(2)
        return tree.append(.literal(.timestamp(instant)), at: offset)
    }

    func integer(_ digits: String, at offset: Int) throws(ExpressionMistake) -> Int64 {
        guard let value = Int64(digits) else {
            throw ExpressionMistake(offset, "\(digits) does not fit int64; write it with a point for float64")
        }
        return value
    }

    func decimal(_ text: String, at offset: Int) throws(ExpressionMistake) -> Double {
        guard let value = Double(text), value.isFinite else {
            throw ExpressionMistake(offset, "\(text) does not fit float64")
        }
        return value
    }
}
