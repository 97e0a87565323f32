public import FeatureModel

import Windowing

/// A list of features, resolved: which histories to read, which part of the request's key names the entity in each, and
/// what to compute there. Immutable; shared between threads.
public final class LookupPlan: Sendable {
    public struct Feature: Hashable, Sendable {
        public var reference: FeatureReference
        public var type: FeatureType
    }

    /// The features of one history.
    struct Part: Sendable {
        var history: UInt32
        var types: [ValueType]
        /// Indexes of the request's join keys that make up this history's entity key; nil when they are all, in order.
        var components: [Int]?
        var windows: WindowPlan
        /// For each result of `windows`, its feature.
        var outputs: [Int32]
    }

    public let features: [Feature]
    /// What a request's keys consist of, in order.
    public let joinKeys: [Field]
    public let generation: UInt64
    public let definitionHash: String
    let parts: [Part]

    /// The most join keys of a request, over all entities of a service.
    public static let joinKeysMax = 16

    /// Resolves references against a catalog.
    ///
    /// - Throws: `unknownName` with the nearest names; `refused` when the entities cannot be asked for together.
    public init(_ references: [FeatureReference], in catalog: Catalog) throws(StoreError) {
        var features: [Feature] = []
        var joinKeys: [Field] = []
        var members: [UInt32: [(output: Int32, aggregation: PlannedAggregation)]] = [:]
        var histories: [HistorySchema] = []
        for (output, reference) in references.enumerated() {
            let (view, aggregation) = try catalog.resolve(reference)
            guard let entity = catalog.entity(view.entity), let source = catalog.sources[view.source],
                let history = catalog.history(source: view.source, joinKeys: entity.joinKeys)
            else { throw StoreError(.unknownName, "view '\(view.name)' is not applied") }
            for key in entity.joinKeys {
                if let known = joinKeys.first(where: { $0.name == key.name }) {
                    guard known.type == key.type else {
                        throw StoreError(.refused, "join key '\(key.name)' has two types")
                    }
                } else {
                    joinKeys.append(key)
                }
            }
            let column = aggregation.column.flatMap { history.column(view.storedColumn($0).name) }?.column
            let category = aggregation.groupBy.flatMap { history.column(view.storedColumn($0).name) }?.column
            let filter = view.filterColumn.flatMap { history.column($0.name) }?.column
            let type =
                aggregation.function.resultType(of: column?.field.type, groupBy: category?.field.type) ?? .int64
            features.append(Feature(reference: reference, type: aggregation.timeWindow.type(of: type)))
            if members[history.id] == nil { histories.append(history) }
            let columnsFrom = [column, category, filter].compactMap { $0?.availableFrom }.max() ?? .distantPast
            let from = max(source.availableFrom, history.availableFrom, columnsFrom)
            members[history.id, default: []].append(
                (Int32(output), PlannedAggregation(aggregation, of: view, in: history, availableFrom: from))
            )
        }
        guard joinKeys.count <= Self.joinKeysMax else {
            throw StoreError(.refused, "more than \(Self.joinKeysMax) join keys in one lookup")
        }
        self.features = features
        self.joinKeys = joinKeys
        generation = catalog.generation
        definitionHash = catalog.definitionHash
        parts = histories.map { history in
            let own = members[history.id] ?? []
            let components = history.joinKeys.compactMap { key in joinKeys.firstIndex { $0.name == key.name } }
            return Part(
                history: history.id,
                types: history.types,
                components: components == Array(joinKeys.indices) ? nil : components,
                windows: WindowPlan(own.map(\.aggregation), layout: catalog.tileLayouts[history.id]),
                outputs: own.map(\.output)
            )
        }
    }

    /// Resolves a feature service by `name` or `name@version`.
    public convenience init(service name: String, in catalog: Catalog) throws(StoreError) {
        guard let service = catalog.featureService(name) else {
            let services = catalog.definition.featureServices
            let known = name.contains("@") ? services.map { "\($0.name)@\($0.version)" } : services.map(\.name)
            throw StoreError(
                .unknownName,
                "no feature service '\(name)'" + hint(for: name, among: known, title: "feature services")
            )
        }
        try self.init(service.features, in: catalog)
    }
}

extension PlannedAggregation {
    init(_ aggregation: Aggregation, of view: FeatureView, in history: HistorySchema, availableFrom: Instant) {
        let column = aggregation.column.flatMap { history.column(view.storedColumn($0).name) }
        let category = aggregation.groupBy.flatMap { history.column(view.storedColumn($0).name) }
        self.init(
            function: aggregation.function,
            parameters: aggregation.parameters,
            column: column.map { ($0.index, $0.column.field.type) },
            groupBy: category.map { ($0.index, $0.column.field.type) },
            window: aggregation.timeWindow,
            offset: aggregation.offset,
            defaultValue: aggregation.defaultValue,
            filter: view.filterColumn.flatMap { history.column($0.name)?.index },
            availableFrom: availableFrom
        )
    }
}

extension Catalog {
    func resolve(_ reference: FeatureReference) throws(StoreError) -> (FeatureView, Aggregation) {
        guard let view = featureView(reference.view) else {
            throw StoreError(
                .unknownName,
                "no feature view '\(reference.view)'"
                    + hint(for: reference.view, among: definition.featureViews.map(\.name), title: "feature views")
            )
        }
        guard let aggregation = view.aggregations.first(where: { $0.name == reference.feature }) else {
            throw StoreError(
                .unknownName,
                "no feature '\(reference.feature)' in view '\(view.name)'"
                    + hint(for: reference.feature, among: view.aggregations.map(\.name), title: "features")
            )
        }
        return (view, aggregation)
    }
}
