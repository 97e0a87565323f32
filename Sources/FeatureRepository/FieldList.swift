// Lists of names with types: `join_keys` and `schema`.

import FeatureModel

/// Reads `name -> type` pairs from a mapping, or from a list of `{name, type}`.
///
/// - Returns: the fields that could be read, and whether that were all.
func fields(
    _ value: YAMLValue,
    key: String,
    noun: String,
    types: [ValueType],
    countMax: Int,
    _ diagnostics: DiagnosticList
) -> (fields: [Field], isWhole: Bool) {
    var pairs: [(name: Located<String>, type: YAMLValue)] = []
    var isWhole = true
    if case .list(let list) = value.kind {
        for element in list {
            guard let map = MapReader(element, title: "a \(noun)", keys: ["name", "type"], diagnostics),
                let name = map.required("name").flatMap({ map.text($0, "name") }), let type = map.required("type")
            else {
                isWhole = false
                continue
            }
            pairs.append((name, type))
        }
    } else {
        guard let map = MapReader(value, title: "'\(key)'", keys: nil, diagnostics) else { return ([], false) }
        pairs = map.entries.map { (Located(value: $0.key, location: $0.keyLocation), $0.value) }
    }
    if pairs.isEmpty && isWhole {
        diagnostics.add(value.location, "'\(key)' is empty; it names at least one \(noun) with its type")
        return ([], false)
    }
    if pairs.count > countMax {
        diagnostics.add(value.location, "'\(key)' has \(pairs.count) entries; at most \(countMax) are allowed")
        return ([], false)
    }
    let isMap = if case .map = value.kind { true } else { false }
    var result: [Field] = []
    var seen: Set<String> = []
    for (name, typeValue) in pairs {
        if !seen.insert(name.value).inserted {
            // A duplicate key of a mapping is already reported.
            if !isMap { diagnostics.add(name.location, "\(noun) \(name.value.quoted) stands twice in '\(key)'") }
            isWhole = false
            continue
        }
        guard checkedName(name, noun: noun, rule: .identifier, diagnostics) != nil,
            let type = valueType(typeValue, of: name.value, noun: noun, types: types, diagnostics)
        else {
            isWhole = false
            continue
        }
        result.append(Field(name: name.value, type: type))
    }
    return (result, isWhole)
}

private func valueType(
    _ value: YAMLValue,
    of name: String,
    noun: String,
    types: [ValueType],
    _ diagnostics: DiagnosticList
) -> ValueType? {
    guard case .scalar(let text, _) = value.kind, !value.isNull else {
        diagnostics.add(
            value.location,
            "\(noun) \(name.quoted) needs a type: \(types.map(\.name).joined(separator: ", "))"
        )
        return nil
    }
    if let type = ValueType(name: text), types.contains(type) { return type }
    let other = [
        "int": "int64", "integer": "int64", "long": "int64", "float": "float64", "double": "float64",
        "str": "string", "boolean": "bool", "datetime": "timestamp",
    ][text.lowercased()]
    let names = types.map(\.name)
    let suggestion = other.flatMap { names.contains($0) ? "; did you mean '\($0)'?" : nil }
    diagnostics.add(
        value.location,
        "\(noun) \(name.quoted) cannot have the type \(text.quoted)\(suggestion ?? hint(for: text, among: names, title: "supported"))"
    )
    return nil
}
