// One element of `feature_views`.

import FeatureModel

extension RepositoryReader {
    static let viewKeys = ["name", "entity", "source", "history", "filter", "columns", "aggregations", "description"]
    static let viewFeatureCountMax = 1000
    /// The most value columns that the views of one (source, entity) pair may use together.
    static let valueColumnCountMax = 64

    func readView(_ value: YAMLValue) {
        let foreign = [
            "ttl": "'history' says how long events stay readable", "entities": "'entity' names the view's one entity",
            "features": "features stand under 'aggregations'", "schema": "columns stand in the source's 'schema'",
            "where": "did you mean 'filter'?",
        ]
        guard
            let item = DefinitionItem(
                value,
                noun: "feature view",
                keys: Self.viewKeys,
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
        let filter = readFilter(map, source: source)
        let columns = readDerivedColumns(map, source: source)
        var features = FeatureList(history: history, columns: columns)
        if let value = map.required("aggregations"), let list = map.list(value, "aggregations") {
            if list.isEmpty {
                diagnostics.add(value.location, "'aggregations' is empty; a feature view has at least one")
            }
            for element in list { readAggregation(element, source: source, into: &features) }
            if features.aggregations.count > Self.viewFeatureCountMax {
                diagnostics.add(
                    value.location,
                    "\(features.aggregations.count) features; a view has at most \(Self.viewFeatureCountMax)"
                )
            }
        } else {
            features.isWhole = false
        }
        let description = map.descriptionText
        guard let name = item.name else { return views.isComplete = false }
        let view = FeatureView(
            name: name.value,
            entity: entityName?.value ?? "",
            source: sourceName?.value ?? "",
            history: history,
            filter: filter,
            columns: columns.derived,
            aggregations: features.aggregations,
            description: description
        )
        if let source, let sourceName, let entityName {
            countColumns(
                of: view,
                source,
                places: features.columnPlaces,
                at: sourceName.location,
                entity: entityName.value
            )
        }
        views.add(name, ReadView(definition: .features(view), isWhole: features.isWhole), diagnostics)
    }

    func readHistory(_ map: MapReader) -> HistoryLength {
        map.parsed("history", expected: "'forever' or a duration from 1s to 3652d such as 400d") {
            text -> HistoryLength? in
            if text == "forever" { return .forever }
            guard let length = TimeWindow.microseconds(in: text),
                (TimeWindow.shortest...TimeWindow.longest).contains(length)
            else { return nil }
            return .microseconds(length)
        } ?? .forever
    }

    func checkJoinKeys(of entity: Entity, in source: Source, at location: Location) {
        for key in entity.joinKeys {
            let column = source.schema.first { $0.name == key.name }
            guard column?.type != key.type else { continue }
            let problem =
                column.map { "has it as \($0.type.name), not \(key.type.name)" } ?? "has no such column in its schema"
            diagnostics.add(
                location,
                "entity \(entity.name.quoted) joins on \(key.name.quoted), but source \(source.name.quoted) \(problem)"
            )
        }
    }

    /// Counts the stored columns of the (source, entity) pair; the place that uses one too many is reported.
    func countColumns(
        of view: some EventView,
        _ source: Source,
        places: [String: Location],
        at location: Location,
        entity: String
    ) {
        var columns = valueColumns[[source.name, entity]] ?? []
        for (stored, _) in view.storedColumns(of: source)
        where columns.insert(stored.name).inserted && columns.count == Self.valueColumnCountMax + 1 {
            diagnostics.add(
                places[stored.name] ?? location,
                "column \(stored.name.quoted) is value column \(columns.count) of source \(source.name.quoted) for entity \(entity.quoted); "
                    + "all views of the two together may use \(Self.valueColumnCountMax)"
            )
        }
        valueColumns[[source.name, entity]] = columns
    }
}

/// A view as far as it could be read.
struct ReadView {
    enum Definition {
        case features(FeatureView)
        case attributes(AttributeView)
    }

    var definition: Definition
    /// False when a feature could not be read, so that its name may be missing.
    var isWhole: Bool

    var view: any EventView {
        switch definition {
        case .features(let view): view
        case .attributes(let view): view
        }
    }

    var featureView: FeatureView? { if case .features(let view) = definition { view } else { nil } }
    var attributeView: AttributeView? { if case .attributes(let view) = definition { view } else { nil } }

    /// What a message calls it.
    var noun: String { if case .features = definition { "feature view" } else { "attribute view" } }
}
