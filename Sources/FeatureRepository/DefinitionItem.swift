// What all named definitions share: a mapping with a name.

/// The mapping of one definition, with its name read and checked.
struct DefinitionItem {
    let map: MapReader
    /// nil when it is missing or not a name; reported then.
    let name: Located<String>?

    /// - Parameter noun: `entity`, `source`, ...
    init?(
        _ value: YAMLValue,
        noun: String,
        keys: [String],
        foreign: [String: String] = [:],
        rule: NameRule,
        _ diagnostics: DiagnosticList
    ) {
        guard
            let map = MapReader(
                value,
                title: Self.title(of: value, noun: noun),
                keys: keys,
                foreign: foreign,
                diagnostics
            )
        else { return nil }
        self.map = map
        name = map.required("name").flatMap { map.text($0, "name") }.flatMap {
            checkedName($0, noun: noun, rule: rule, diagnostics)
        }
    }

    /// `source 'purchases'`, or `a source` when its name cannot be read.
    private static func title(of value: YAMLValue, noun: String) -> String {
        if let name = value.itemName { return "\(noun) \(name.quoted)" }
        return noun.first.map { "aeiou".contains($0) } == true ? "an \(noun)" : "a \(noun)"
    }
}

extension YAMLValue {
    /// What stands under `name` of a mapping; nil when nothing that can be read does.
    var itemName: String? {
        guard case .map(let entries) = kind, let name = entries.first(where: { $0.key == "name" })?.value,
            case .scalar(let text, _) = name.kind, !text.isEmpty
        else { return nil }
        return text
    }

    /// The names of a list's definitions.
    var itemNames: [String] {
        guard case .list(let list) = kind else { return [] }
        return list.prefix(RepositoryReader.definitionCountMax).compactMap(\.itemName)
    }
}

/// The name, or nil with a report when it breaks the rule.
func checkedName(_ name: Located<String>, noun: String, rule: NameRule, _ diagnostics: DiagnosticList) -> Located<
    String
>? {
    if rule.allows(name.value) { return name }
    diagnostics.add(name.location, "\(noun) name \(name.value.quoted) must \(rule.requirement)")
    return nil
}
