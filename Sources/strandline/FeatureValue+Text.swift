import FeatureModel

extension FeatureValue {
    /// As it stands in a table; long lists and maps are cut.
    var text: String {
        switch self {
        case .null: "-"
        case .int64(let value): String(value)
        case .float64(let value): "\(value)"
        case .string(let value): value
        case .bool(let value): value ? "true" : "false"
        case .timestamp(let value): value.iso8601
        case .list(let elements): Self.shortened("[", elements, "]") { $0.itemText }
        case .map(let entries): Self.shortened("{", entries, "}") { "\($0.key.itemText): \($0.value.itemText)" }
        }
    }

    private var itemText: String { self == .null ? "null" : text }

    /// Columns that the items of a list or map may take in a table.
    private static let itemsWidthMax = 60

    /// `[1, 2, null]`; beyond the width the items that fit and how many there are: `[1, 2, … 1000 in all]`.
    private static func shortened<Item>(
        _ open: String,
        _ items: [Item],
        _ close: String,
        _ text: (Item) -> String
    ) -> String {
        var shown: [String] = []
        var width = 0
        for item in items {
            let next = text(item)
            width += next.count + 2
            guard width <= itemsWidthMax || (shown.isEmpty && items.count == 1) else {
                let separator = shown.isEmpty ? "" : ", "
                return "\(open)\(shown.joined(separator: ", "))\(separator)… \(items.count) in all\(close)"
            }
            shown.append(next)
        }
        return open + shown.joined(separator: ", ") + close
    }

    /// As JSON; doubles in the shortest form that reads back to the same bits. Keys of maps are strings.
    var json: String {
        switch self {
        case .null: "null"
        case .int64(let value): String(value)
        case .float64(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): jsonText(value)
        case .bool(let value): value ? "true" : "false"
        case .timestamp(let value): "\"\(value.iso8601)\""
        case .list(let elements): "[\(elements.map(\.json).joined(separator: ","))]"
        case .map(let entries):
            "{\(entries.map { "\(jsonText($0.key.text)):\($0.value.json)" }.joined(separator: ","))}"
        }
    }
}

/// A JSON string.
func jsonText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
