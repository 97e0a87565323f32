// A plan for programs. The shape is versioned by `format`; keys are only ever added.

extension Plan {
    /// The plan as one line of JSON:
    /// `{"format":1,"project":"cdnow","definition_hash":"...","applicable":true,"changes":[{"kind":"add","object":"view",
    /// "name":"...","details":["..."]}],"notes":["..."],"refusals":["..."]}`.
    public var json: String {
        var text = "{\"format\":1,\"project\":\(jsonString(project)),\"definition_hash\":\(jsonString(definitionHash))"
        text += ",\"applicable\":\(isApplicable),\"changes\":["
        text += changes.map { change in
            "{\"kind\":\(jsonString(change.kind.rawValue)),\"object\":\(jsonString(change.object.rawValue)),"
                + "\"name\":\(jsonString(change.name)),\"details\":\(jsonArray(change.details))}"
        }.joined(separator: ",")
        return text + "],\"notes\":\(jsonArray(notes)),\"refusals\":\(jsonArray(refusals))}"
    }
}

private func jsonArray(_ texts: [String]) -> String { "[" + texts.map(jsonString).joined(separator: ",") + "]" }

/// A JSON string, quotes included; control characters are escaped, and so are U+2028 and U+2029 for readers that treat
/// JSON as JavaScript.
func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029 {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "\""
}
