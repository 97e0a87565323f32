import FeatureModel
import StrandlineClient

/// `name=value` arguments with the request values that derived features need.
struct RequestArguments {
    private var values: [(name: String, value: String)] = []

    init(_ arguments: [String]) throws {
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw Failure(.usage, "--request: '\(argument)' is not name=value, for example amount=12.5")
            }
            let name = String(argument[..<equals])
            guard !values.contains(where: { $0.name == name }) else {
                throw Failure(.usage, "request value '\(name)' is given twice")
            }
            values.append((name, String(argument[argument.index(after: equals)...])))
        }
    }

    /// The values in the order of the lookup's fields.
    func row(_ fields: [Field]) throws -> [FeatureValue] {
        if let unknown = values.first(where: { value in !fields.contains { $0.name == value.name } }) {
            throw Failure(
                .usage,
                "no request value '\(unknown.name)' in these features"
                    + hint(for: unknown.name, among: fields.map(\.name), title: "request values")
            )
        }
        return try fields.map { field in
            guard let text = values.first(where: { $0.name == field.name })?.value else {
                throw Failure(
                    .usage,
                    "request value '\(field.name)' (\(field.type.name)) is missing; give --request \(field.name)=..., "
                        + "or \(field.name)=null"
                )
            }
            if text == "null" { return .null }
            guard let value = FeatureValue(requestText: text, field.type) else {
                throw Failure(
                    .usage,
                    "request value '\(field.name)': '\(text)' is not \(field.type.requestForm)"
                )
            }
            if let problem = value.requestProblem(of: field.type) {
                throw Failure(.usage, "request value '\(field.name)' is \(problem)")
            }
            return value
        }
    }
}

extension FeatureValue {
    /// A value as it is written on a command line or in a text column; nil when it is not one of the type. Single quotes
    /// around a text do not belong to it.
    init?(requestText text: String, _ type: ValueType) {
        switch type {
        case .int64:
            guard let number = Int64(text) else { return nil }
            self = .int64(number)
        case .float64:
            guard let number = Double(decimal: text) else { return nil }
            self = .float64(number)
        case .bool:
            guard text == "true" || text == "false" else { return nil }
            self = .bool(text == "true")
        case .timestamp:
            guard let instant = Instant(iso8601: text) else { return nil }
            self = .timestamp(instant)
        case .string:
            let isQuoted = text.count > 1 && text.hasPrefix("'") && text.hasSuffix("'")
            self = .string(isQuoted ? String(text.dropFirst().dropLast()) : text)
        }
    }
}

extension Double {
    /// A decimal number; nil for the other forms that `Double` reads (hexadecimal, `inf`, `nan`) and for one that is not
    /// finite.
    init?(decimal text: String) {
        let isDecimal = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        guard isDecimal, let number = Double(text), number.isFinite else { return nil }
        self = number
    }
}

extension ValueType {
    /// What a text must be to stand for a value, in words.
    var requestForm: String {
        switch self {
        case .int64: "a whole number of 64 bits"
        case .float64: "a number"
        case .bool: "true or false"
        case .timestamp: "a time (ISO 8601)"
        case .string: "text"
        }
    }
}
