import FeatureModel

extension FeatureValue {
    /// As it stands in a table.
    var text: String {
        switch self {
        case .null: "-"
        case .int64(let value): String(value)
        case .float64(let value): "\(value)"
        case .string(let value): value
        case .bool(let value): value ? "true" : "false"
        case .timestamp(let value): value.iso8601
        }
    }

    /// As JSON; doubles in the shortest form that reads back to the same bits.
    var json: String {
        switch self {
        case .null: "null"
        case .int64(let value): String(value)
        case .float64(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): jsonText(value)
        case .bool(let value): value ? "true" : "false"
        case .timestamp(let value): "\"\(value.iso8601)\""
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
