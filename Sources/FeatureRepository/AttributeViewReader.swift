// One element of `attribute_views`.

import FeatureModel

extension RepositoryReader {
    static let attributeViewKeys = [
        "name", "entity", "source", "max_age", "history", "filter", "columns", "attributes", "description",
    ]

    func readAttributeView(_ value: YAMLValue) {
        let foreign = [
            "ttl": "'max_age' says how old a value may be", "aggregations": "aggregations stand in 'feature_views'",
            "features": "features stand under 'attributes'", "schema": "columns stand in the source's 'schema'",
            "entities": "'entity' names the view's one entity", "where": "did you mean 'filter'?",
        ]
        guard
            let item = DefinitionItem(
                value,
                noun: "attribute view",
                keys: Self.attributeViewKeys,
                foreign: foreign,
                rule: .identifier,
                diagnostics
            )
        else { return views.isComplete = false }
        let map = item.map
        let entityName = map.required("entity").flatMap { map.text($0, "entity") }
        let sourceName = map.required("source").flatMap { map.text($0, "source") }
        let entity = entityName.flatMap { entities.resolve($0, diagnostics) }?.definition
        let source = sourceName.flatMap { sources.resolve($0, diagnostics) }?.definition
        if let entity, let source, let entityName { checkJoinKeys(of: entity, in: source, at: entityName.location) }
        let history = readHistory(map)
        let maxAge = readMaxAge(map, history)
        let filter = readFilter(map, source: source)
        let columns = readDerivedColumns(map, source: source)
        let attributes = readAttributes(map, source: source, columns)
        let description = map.descriptionText
        guard let name = item.name else { return views.isComplete = false }
        let view = AttributeView(
            name: name.value,
            entity: entityName?.value ?? "",
            source: sourceName?.value ?? "",
            maxAge: maxAge,
            history: history,
            filter: filter,
            columns: columns.derived,
            attributes: attributes.read.map(\.attribute),
            description: description
        )
        if let source, let sourceName, let entityName {
            let places = Dictionary(
                attributes.read.map { ($0.attribute.column, $0.location) },
                uniquingKeysWith: { first, _ in first }
            )
            countColumns(of: view, source, places: places, at: sourceName.location, entity: entityName.value)
        }
        views.add(name, ReadView(definition: .attributes(view), isWhole: attributes.isWhole), diagnostics)
    }

    /// A version must be able to be as old as it may be, by what the view keeps.
    private func readMaxAge(_ map: MapReader, _ history: HistoryLength) -> Int64? {
        let maxAge = map.parsed("max_age", expected: "a duration from 1s to 3652d such as 90d") { text in
            TimeWindow.microseconds(in: text).flatMap {
                (TimeWindow.shortest...TimeWindow.longest).contains($0) ? $0 : nil
            }
        }
        if let maxAge, case .microseconds(let kept) = history, maxAge > kept, let place = map["max_age"]?.location {
            diagnostics.add(
                place,
                "max_age \(TimeWindow.text(microseconds: maxAge)) reaches further back than the view's history of \(TimeWindow.text(microseconds: kept))"
            )
        }
        return maxAge
    }

    private typealias PlacedAttribute = (attribute: Attribute, location: Location)

    private func readAttributes(
        _ map: MapReader,
        source: Source?,
        _ columns: ViewColumns
    ) -> (read: [PlacedAttribute], isWhole: Bool) {
        guard let value = map.required("attributes"), let list = map.list(value, "attributes") else {
            return ([], false)
        }
        if list.isEmpty {
            diagnostics.add(value.location, "'attributes' is empty; an attribute view has at least one")
        }
        if list.count > Self.viewFeatureCountMax {
            diagnostics.add(
                value.location,
                "\(list.count) attributes; a view has at most \(Self.viewFeatureCountMax)"
            )
            return ([], false)
        }
        var read: [PlacedAttribute] = []
        var places: [String: Location] = [:]
        var isWhole = true
        for element in list {
            guard let (name, column) = readAttribute(element),
                checkedName(name, noun: "attribute", rule: .identifier, diagnostics) != nil,
                isColumn(column, of: source, columns)
            else {
                isWhole = false
                continue
            }
            if let first = places[name.value] {
                diagnostics.add(name.location, "attribute \(name.value.quoted) is already defined at \(first)")
                continue
            }
            places[name.value] = name.location
            read.append((Attribute(name: name.value, column: column.value), column.location))
        }
        return (read, isWhole)
    }

    /// `country`, or `{name: home, column: country}`.
    private func readAttribute(_ value: YAMLValue) -> (name: Located<String>, column: Located<String>)? {
        if case .scalar(let text, let isPlain) = value.kind, !value.isNull {
            let name = Located(value: text, location: value.location, isQuoted: !isPlain)
            return (name, name)
        }
        guard
            let map = MapReader(value, title: "an attribute", keys: ["name", "column"], diagnostics),
            let column = map.required("column").flatMap({ map.text($0, "column") })
        else { return nil }
        guard map["name"] != nil else { return (column, column) }
        return map.text("name").map { ($0, column) }
    }

    private func isColumn(_ column: Located<String>, of source: Source?, _ columns: ViewColumns) -> Bool {
        guard let source else { return false }
        let names = source.schema.map(\.name) + columns.derived.map(\.name)
        if names.contains(column.value) { return true }
        // It may be the column whose expression was wrong: that mistake is reported already.
        if columns.isWhole {
            diagnostics.add(
                column.location,
                "source \(source.name.quoted) has no column \(column.value.quoted)\(hint(for: column.value, among: names, title: "its columns"))"
            )
        }
        return false
    }

    /// A record key that is one bare value names the entity of every view of its source, or the deletes would reach
    /// some of them only.
    func checkRecordKeys() {
        for view in views.definitions.map(\.view) {
            guard let source = sources[view.source]?.definition, let format = source.keyFormat,
                let type = format.joinKeyType, let entity = entities[view.entity]?.definition,
                let location = views[view.name]?.location
            else { continue }
            let others = views.definitions.map(\.view).filter { $0.source == view.source }.compactMap {
                entities[$0.entity]?.definition?.joinKeys
            }
            if entity.joinKeys.count == 1, entity.joinKeys[0].type == type, others.allSatisfy({ $0 == entity.joinKeys })
            {
                continue
            }
            let keys = entity.joinKeys.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")
            diagnostics.add(
                location,
                "source \(source.name.quoted) has key_format \(format.rawValue): its record key is the value of one \(type.name) join key, the same "
                    + "for all views of the source; entity \(entity.name.quoted) joins on (\(keys)); use key_format json, or another source for this view"
            )
        }
    }
}
