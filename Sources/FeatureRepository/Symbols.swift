// The names that a repository defines, so that references can be checked and mistyped ones corrected.

import FeatureModel

struct Symbols<Definition> {
    struct Symbol {
        var location: Location
        /// nil when the definition has a mistake of its own: then nothing that depends on it is reported again.
        var definition: Definition?
    }

    /// What the names stand for, in messages: `entity`.
    let noun: String
    private var symbols: [String: Symbol] = [:]
    private(set) var names: [String] = []
    /// False when a definition may exist whose name could not be read: then an unknown name is no mistake for certain.
    var isComplete = true

    init(noun: String) { self.noun = noun }

    /// The definitions without mistakes, in the order of the files.
    var definitions: [Definition] { names.compactMap { symbols[$0]?.definition } }

    var locations: [String: Location] { symbols.mapValues(\.location) }

    subscript(name: String) -> Symbol? { symbols[name] }

    /// Takes up a definition; a second one of the same name is reported.
    mutating func add(_ name: Located<String>, _ definition: Definition?, _ diagnostics: DiagnosticList) {
        if let first = symbols[name.value] {
            diagnostics.add(name.location, "\(noun) \(name.value.quoted) is already defined at \(first.location)")
            return
        }
        symbols[name.value] = Symbol(location: name.location, definition: definition)
        names.append(name.value)
    }

    /// Looks a reference up; an unknown name is reported with the nearest known one.
    ///
    /// - Parameter others: further names that would have been right.
    func resolve(_ name: Located<String>, others: [String] = [], _ diagnostics: DiagnosticList) -> Symbol? {
        if let symbol = symbols[name.value] { return symbol }
        if isComplete {
            diagnostics.add(
                name.location,
                "unknown \(noun) \(name.value.quoted)\(hint(for: name.value, among: names + others, title: "defined"))"
            )
        }
        return nil
    }
}
