import FeatureModel

/// Which column of the labels holds which request value, where their names differ: `amount=purchase_amount`.
struct RequestColumns {
    private var columns: [(name: String, column: String)] = []

    init(_ arguments: [String]) throws {
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw Failure(.usage, "--request-columns: '\(argument)' is not name=column, for example amount=price")
            }
            let name = String(argument[..<equals])
            guard !columns.contains(where: { $0.name == name }) else {
                throw Failure(.usage, "--request-columns: request value '\(name)' is given twice")
            }
            columns.append((name, String(argument[argument.index(after: equals)...])))
        }
    }

    /// Each request value with its column, which is one of the file's.
    func resolve(
        _ request: [Field],
        among columnNames: [String],
        path: String
    ) throws -> [(field: Field, column: String)] {
        if let unknown = columns.first(where: { given in !request.contains { $0.name == given.name } }) {
            throw Failure(
                .usage,
                "--request-columns: no request value '\(unknown.name)' in these features"
                    + hint(for: unknown.name, among: request.map(\.name), title: "request values")
            )
        }
        return try request.map { field in
            let column = columns.first { $0.name == field.name }?.column ?? field.name
            guard columnNames.contains(column) else {
                throw Failure(
                    .usage,
                    "\(path): no column '\(column)' for the request value '\(field.name)' "
                        + "(\(field.type.name)); name another one with --request-columns \(field.name)=COLUMN. "
                        + "Columns: \(columnNames.joined(separator: ", "))"
                )
            }
            return (field, column)
        }
    }
}
