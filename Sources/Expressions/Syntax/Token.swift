/// One word, number, text or sign of an expression.
struct Token: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Letters, digits and underscores, as written; a keyword, a function or a name.
        case word(String)
        /// A word that is part of the grammar.
        case keyword(Keyword)
        /// `"gross amount"`, without its quotes.
        case quotedName(String)
        /// Digits only.
        case integer(String)
        /// Digits with a point or an exponent.
        case decimal(String)
        /// `'paid'`, without its quotes.
        case string(String)
        case symbol(Symbol)
        case end
    }

    let kind: Kind
    /// In bytes from the start of the text.
    let offset: Int
}

/// Words that cannot be names unless they are quoted.
enum Keyword: String, Hashable, Sendable, CaseIterable {
    case and, or, not, `is`, null, `true`, `false`, `in`, like, between, distinct, from, `case`, when, then, `else`, end
    case cast, `as`
}

enum Symbol: String, Hashable, Sendable, CaseIterable {
    // Longer ones first: the lexer takes the first that fits.
    case integerDivide = "//", concatenate = "||", doubleColon = "::", equals = "==", notEqual = "<>", differs = "!="
    case lessOrEqual = "<=", greaterOrEqual = ">="
    case open = "(", close = ")", comma = ",", dot = ".", plus = "+", minus = "-", star = "*", slash = "/"
    case percent = "%", equal = "=", less = "<", greater = ">"
}
