// Expressions in a feature view: its filter and its derived columns, checked against the source's schema.

import Expressions
import FeatureModel

/// The columns that a view's aggregations may use.
struct ViewColumns {
    var derived: [DerivedColumn] = []
    /// False when a derived column could not be read, so that a name may be missing.
    var isWhole = true
}

extension RepositoryReader {
    static let derivedColumnCountMax = 64

    /// `filter: status = 'paid' and amount > 0`
    func readFilter(_ map: MapReader, source: Source?) -> EventExpression? {
        guard let text = map.text("filter"), let source else { return nil }
        guard let filter = readExpression(text, over: source) else { return nil }
        guard filter.type == .bool else {
            diagnostics.add(text.location, "'filter' must be true or false for each event, not \(filter.type.name)")
            return nil
        }
        return filter
    }

    /// `columns: {net: amount * (1 - discount)}`
    func readDerivedColumns(_ map: MapReader, source: Source?) -> ViewColumns {
        var columns = ViewColumns()
        guard let value = map["columns"] else { return columns }
        guard let entries = MapReader(value, title: "'columns'", keys: nil, diagnostics)?.entries else {
            columns.isWhole = false
            return columns
        }
        if entries.count > Self.derivedColumnCountMax {
            diagnostics.add(
                value.location,
                "\(entries.count) derived columns; a view has at most \(Self.derivedColumnCountMax)"
            )
        }
        for entry in entries {
            let key = Located(value: entry.key, location: entry.keyLocation)
            guard let name = checkedName(key, noun: "column", rule: .identifier, diagnostics),
                let text = map.text(entry.value, entry.key), let source
            else {
                columns.isWhole = false
                continue
            }
            if source.schema.contains(where: { $0.name == name.value }) {
                diagnostics.add(
                    name.location,
                    "source \(source.name.quoted) has a column \(name.value.quoted) already; give the derived one another name"
                )
                columns.isWhole = false
            } else if let expression = readExpression(text, over: source) {
                columns.derived.append(DerivedColumn(name: name.value, expression: expression))
            } else {
                columns.isWhole = false
            }
        }
        return columns
    }

    /// Parses and checks an expression; a mistake is reported at its place in the file.
    private func readExpression(_ text: Located<String>, over source: Source) -> EventExpression? {
        let scope = ExpressionScope(source.schema)
        do throws(ExpressionMistake) {
            let parsed = try ParsedExpression(text.value)
            let compiled = try parsed.compile(in: scope, numbering: .used)
            let fields = compiled.inputs.map { source.schema[$0].name }
            let known = expressionFields[source.name] ?? []
            expressionFields[source.name] = known.union(fields)
            if known.count <= ExpressionColumns.inputCountMax,
                known.union(fields).count > ExpressionColumns.inputCountMax
            {
                diagnostics.add(
                    text.location,
                    "the expressions over source \(source.name.quoted) read more than \(ExpressionColumns.inputCountMax) of its columns"
                )
            }
            return EventExpression(text: compiled.canonicalText, type: compiled.resultType, fields: fields)
        } catch {
            diagnostics.add(place(of: error.offset, in: text), error.message)
            return nil
        }
    }

    /// The place of a byte of a value. A value in quotes begins one character later, one of several lines is reported at
    /// its beginning.
    func place(of offset: Int, in text: Located<String>) -> Location {
        var location = text.location
        guard !text.value.contains("\n") else { return location }
        let before = String(decoding: text.value.utf8.prefix(offset), as: UTF8.self).unicodeScalars.count
        location.column += before + (text.isQuoted ? 1 : 0)
        return location
    }
}
