import FeatureModel

/// `name=value` arguments that name an entity.
struct EntityArguments {
    private var values: [(name: String, value: String)] = []

    init(_ arguments: [String]) throws {
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "=") else {
                throw Failure(.usage, "'\(argument)' is not a join key; write name=value, for example customer_id=42")
            }
            let name = String(argument[..<equals])
            guard !values.contains(where: { $0.name == name }) else {
                throw Failure(.usage, "join key '\(name)' is given twice")
            }
            values.append((name, String(argument[argument.index(after: equals)...])))
        }
    }

    /// The key's values in the order of the join keys.
    func key(_ joinKeys: [Field]) throws -> [FeatureValue] {
        if let unknown = values.first(where: { value in !joinKeys.contains { $0.name == value.name } }) {
            throw Failure(
                .usage,
                "no join key '\(unknown.name)'"
                    + hint(for: unknown.name, among: joinKeys.map(\.name), title: "join keys")
            )
        }
        return try joinKeys.map { joinKey in
            guard let value = values.first(where: { $0.name == joinKey.name })?.value else {
                throw Failure(.usage, "join key '\(joinKey.name)' (\(joinKey.type.name)) is missing")
            }
            guard joinKey.type == .int64 else { return .string(value) }
            guard let number = Int64(value) else {
                throw Failure(.usage, "join key '\(joinKey.name)': '\(value)' is not a whole number of 64 bits")
            }
            return .int64(number)
        }
    }
}
