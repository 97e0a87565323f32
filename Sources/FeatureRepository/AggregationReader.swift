// One element of `aggregations`: one feature, or one per window.

import FeatureModel

/// The features of one view while they are read.
struct FeatureList {
    var history: HistoryLength
    var aggregations: [Aggregation] = []
    /// The view's derived columns.
    let derived: ViewColumns
    /// A place that uses each field of the source.
    var columnPlaces: [String: Location] = [:]
    var places: [String: Location] = [:]
    var isWhole = true

    init(history: HistoryLength, columns: ViewColumns) {
        self.history = history
        derived = columns
    }
}

extension RepositoryReader {
    static let aggregationKeys =
        ["column", "function", "group_by", "time_window", "offset", "name", "default"] + FunctionParameters.keys

    func readAggregation(_ value: YAMLValue, source: Source?, into features: inout FeatureList) {
        let foreign = [
            "window": "did you mean 'time_window'?", "windows": "'time_window' takes a list too",
            "slide_interval": "windows move with every event; there is no interval to set",
            "aggregation_interval": "windows move with every event; there is no interval to set",
            "fillna": "did you mean 'default'?", "groupby": "did you mean 'group_by'?",
            "category": "did you mean 'group_by'?",
        ]
        let before = diagnostics.count
        guard
            let map = MapReader(
                value,
                title: "an aggregation",
                keys: Self.aggregationKeys,
                foreign: foreign,
                diagnostics
            )
        else { return features.isWhole = false }
        let function = map.required("function").flatMap { map.text($0, "function") }.flatMap { readFunction($0) }
        let parameters = readParameters(of: function, map)
        let column = map.text("column")
        let category = map.text("group_by")
        let type = checkGroups(
            category,
            of: checkColumn(column, function: function, source: source, features.derived, map),
            function: function,
            source: source,
            features.derived
        )
        let windows = map.required("time_window").map { readWindows($0, map) } ?? []
        let offset =
            map.parsed("offset", expected: "a duration from 0s to 3652d such as 30d") {
                duration(in: $0).flatMap { $0 <= TimeWindow.longest ? $0 : nil }
            } ?? 0
        for window in windows {
            checkReach(window, offset: offset, history: features.history)
            if let function { checkSeries(window, function, type) }
        }
        let defaultValue = readDefault(map, type: type)
        var name = map.text("name").flatMap { checkedName($0, noun: "feature", rule: .identifier, diagnostics) }
        if let given = name, windows.count > 1 {
            diagnostics.add(given.location, "'name' cannot stand with several windows; write one aggregation per name")
            name = nil
        }
        guard diagnostics.count == before, let function else { return features.isWhole = false }
        for column in [column, category].compactMap({ $0 }) where features.columnPlaces[column.value] == nil {
            features.columnPlaces[column.value] = column.location
        }
        for window in windows {
            let aggregation = Aggregation(
                name: name?.value,
                function: function,
                parameters: parameters,
                column: column?.value,
                groupBy: category?.value,
                timeWindow: window.value,
                offset: offset,
                defaultValue: defaultValue
            )
            if let first = features.places[aggregation.name] {
                diagnostics.add(
                    name?.location ?? window.location,
                    "feature \(aggregation.name.quoted) is already defined at \(first)"
                )
                continue
            }
            features.places[aggregation.name] = name?.location ?? window.location
            features.aggregations.append(aggregation)
        }
    }

    private func readFunction(_ text: Located<String>) -> AggregateFunction? {
        let words = AggregateFunction.allCases.map(\.rawValue) + AggregateFunction.aliases.keys.sorted()
        if let function = AggregateFunction(rawValue: text.value) ?? AggregateFunction.aliases[text.value] {
            return function
        }
        let near = nearestWord(to: text.value, among: words).map { "; did you mean '\($0)'?" }
        let all = AggregateFunction.allCases.map(\.rawValue).joined(separator: ", ")
        diagnostics.add(text.location, "unknown function \(text.value.quoted)\(near ?? "; supported: \(all)")")
        return nil
    }

    /// Checks that the column exists and suits the function.
    ///
    /// - Returns: the type of the result; nil when it is unknown.
    private func checkColumn(
        _ column: Located<String>?,
        function: AggregateFunction?,
        source: Source?,
        _ derived: ViewColumns,
        _ map: MapReader
    ) -> FeatureType? {
        guard let column else {
            guard let function, map["column"] == nil else { return nil }
            if function.resultType(of: nil) == nil {
                diagnostics.add(map.location, "'\(function.rawValue)' needs a 'column'")
            }
            return function.resultType(of: nil)
        }
        guard let field = field(column, source: source, derived), let function else { return nil }
        if let result = function.resultType(of: field.type) { return result }
        let types = ValueType.allCases.filter { function.resultType(of: $0) != nil }.map(\.name).joined(separator: ", ")
        diagnostics.add(
            column.location,
            "'\(function.rawValue)' does not apply to column \(column.value.quoted) of type \(field.type.name); it takes \(types)"
        )
        return nil
    }

    /// A column by its name; nil, and reported unless that follows from another mistake, when there is none.
    private func field(_ column: Located<String>, source: Source?, _ derived: ViewColumns) -> Field? {
        guard let source else { return nil }
        let fields = source.schema + derived.derived.map { Field(name: $0.name, type: $0.expression.type) }
        if let field = fields.first(where: { $0.name == column.value }) { return field }
        // It may be the column whose expression was wrong: that mistake is reported already.
        guard derived.isWhole else { return nil }
        let suggestion = hint(for: column.value, among: fields.map(\.name), title: "its columns")
        diagnostics.add(
            column.location,
            "source \(source.name.quoted) has no column \(column.value.quoted)\(suggestion)"
        )
        return nil
    }

    /// Checks that the column of categories exists, and that the function gives each category a single value.
    ///
    /// - Returns: the type of the result; nil when it is unknown.
    private func checkGroups(
        _ category: Located<String>?,
        of result: FeatureType?,
        function: AggregateFunction?,
        source: Source?,
        _ derived: ViewColumns
    ) -> FeatureType? {
        guard let category else { return result }
        let field = field(category, source: source, derived)
        guard let function, let result else { return nil }
        guard let value = result.single else {
            diagnostics.add(
                category.location,
                "'\(function.rawValue)' takes no 'group_by': a map holds single values, not \(result.name)"
            )
            return nil
        }
        return field.map { .map($0.type, to: value) }
    }

    private func readWindows(_ value: YAMLValue, _ map: MapReader) -> [Located<TimeWindow>] {
        var values = [value]
        if case .list(let list) = value.kind {
            values = list
            if list.isEmpty {
                diagnostics.add(value.location, "'time_window' is empty; give at least one window such as 30d")
            }
        }
        return values.compactMap { value in
            guard let text = map.text(value, "time_window") else { return nil }
            if let window = TimeWindow(text.value) { return Located(value: window, location: text.location) }
            let problem =
                TimeWindow.microseconds(in: text.value) == nil
                ? "must be a duration such as 30d, 'lifetime', a number of events such as 50events, or a series such as 12x1h"
                : "must be between 1s and 3652d, or 'lifetime'"
            diagnostics.add(text.location, "'time_window' \(problem), not \(text.value.quoted)")
            return nil
        }
    }

    /// A window must lie within what the view keeps.
    private func checkReach(_ window: Located<TimeWindow>, offset: Int64, history: HistoryLength) {
        if window.value == .lifetime, offset != 0 {
            diagnostics.add(window.location, "'lifetime' takes no offset")
        }
        guard let reach = window.value.reach, case .microseconds(let kept) = history, reach + offset > kept else {
            return
        }
        let shift = offset == 0 ? "" : " with offset \(TimeWindow.text(microseconds: offset))"
        diagnostics.add(
            window.location,
            "window \(window.value)\(shift) reaches further back than the view's history of \(TimeWindow.text(microseconds: kept))"
        )
    }

    /// A series makes a list of what its function gives, so that must be a single value.
    private func checkSeries(_ window: Located<TimeWindow>, _ function: AggregateFunction, _ type: FeatureType?) {
        guard case .series = window.value, let type, type.shape != .single else { return }
        diagnostics.add(
            window.location,
            "a series of '\(function.rawValue)' would be a list of \(type.name); a series takes functions with a single value"
        )
    }

    private func readDefault(_ map: MapReader, type: FeatureType?) -> FeatureValue? {
        guard let text = map.text("default"), let result = type else { return nil }
        guard let type = result.single else {
            diagnostics.add(text.location, "'default' does not apply to a feature of type \(result.name)")
            return nil
        }
        if let value = featureValue(in: text.value, type: type) { return value }
        diagnostics.add(text.location, "'default' must be of the feature's type \(type.name), not \(text.value.quoted)")
        return nil
    }
}
