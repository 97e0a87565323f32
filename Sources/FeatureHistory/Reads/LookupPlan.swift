public import FeatureModel

import Atomics
import Windowing

/// A list of features, resolved: which histories to read, which part of the request's key names the entity in each, and
/// what to compute there. Immutable; shared between threads.
public final class LookupPlan: Sendable {
    public struct Feature: Hashable, Sendable {
        public var reference: FeatureReference
        public var type: FeatureType
    }

    /// The features of one history. A class, so that a read passes one reference along.
    final class Part: Sendable {
        /// Its own among all parts of this process: what vectors are kept under.
        let number: UInt64
        let history: UInt32
        let types: ColumnTypes
        /// Indexes of the request's join keys that make up this history's entity key; nil when they are all, in order.
        let components: [Int]?
        let windows: WindowPlan
        let retention: Retention
        /// For each result of `windows`, its feature.
        let outputs: [Int32]
        /// The results that are strings, lists or maps.
        let byteOutputs: [Int32]
        /// For many rows of one entity: the results whose windows move forward with T, and the others.
        let advancing: Advancing?

        private static let numbers = ManagedAtomic<UInt64>(0)

        init(
            _ history: HistorySchema,
            components: [Int]?,
            windows: WindowPlan,
            advancing: Advancing?,
            retention: Retention,
            outputs: [Int32],
            types: [FeatureType]
        ) {
            number = Self.numbers.wrappingIncrementThenLoad(ordering: .relaxed)
            self.history = history.id
            self.types = history.types
            self.components = components
            self.windows = windows
            self.retention = retention
            self.outputs = outputs
            byteOutputs = outputs.indices.filter { types[$0].isVariableSize }.map { Int32($0) }
            self.advancing = advancing
        }
    }

    /// The results of a part, divided: what moves forward with T, and what is evaluated row by row.
    final class Advancing: Sendable {
        let windows: AdvancingPlan
        /// For each result of `windows`, its feature.
        let outputs: [Int32]
        /// nil: nothing is left.
        let others: WindowPlan?
        let otherOutputs: [Int32]

        init(windows: AdvancingPlan, outputs: [Int32], others: WindowPlan?, otherOutputs: [Int32]) {
            self.windows = windows
            self.outputs = outputs
            self.others = others
            self.otherOutputs = otherOutputs
        }
    }

    /// What was asked for; their cells stand first, in this order.
    public let features: [Feature]
    /// What a request's keys consist of, in order.
    public let joinKeys: [Field]
    /// The values that a request brings along for each entity, in order.
    public let request: [Field]
    public let generation: UInt64
    public let definitionHash: String
    let parts: [Part]
    /// Cells of a row: those of `features`, and of what only derived features read.
    let cellCount: Int
    let derived: [DerivedCell]
    /// The catalog's, whose numbers `derived` has.
    let derivedFeatures: DerivedFeatures

    /// The most join keys of a request, over all entities of a service.
    public static let joinKeysMax = 16

    /// Resolves references against a catalog.
    ///
    /// - Throws: `unknownName` with the nearest names; `refused` when the entities cannot be asked for together.
    public init(_ references: [FeatureReference], in catalog: Catalog) throws(StoreError) {
        var cells = try CellLayout(references, in: catalog)
        var joinKeys: [Field] = []
        var members: [UInt32: Members] = [:]
        var histories: [HistorySchema] = []
        for (output, reference) in cells.stored {
            let resolved = try catalog.resolve(reference)
            let view = resolved.view
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
            if members[history.id] == nil { histories.append(history) }
            let columns = resolved.columns.map { history.column(view.storedColumn($0).name)?.column }
            let filter = view.filterColumn.flatMap { history.column($0.name) }?.column
            let columnsFrom = (columns + [filter]).compactMap { $0?.availableFrom }.max() ?? .distantPast
            let from = max(source.availableFrom, history.availableFrom, columnsFrom)
            let type: FeatureType
            switch resolved {
            case .aggregation(let aggregation, let view):
                let planned = PlannedAggregation(aggregation, of: view, in: history, availableFrom: from)
                type = planned.resultType
                members[history.id, default: Members()].aggregations.append((Int32(output), planned))
            case .attribute(let attribute, let view):
                guard let planned = PlannedAttribute(attribute, of: view, in: history, availableFrom: from) else {
                    throw StoreError(.unknownName, "column '\(attribute.column)' of view '\(view.name)' is not applied")
                }
                type = .single(planned.column.type)
                members[history.id, default: Members()].attributes.append((Int32(output), planned))
            }
            cells.features[output].type = type
        }
        guard joinKeys.count <= Self.joinKeysMax else {
            throw StoreError(.refused, "more than \(Self.joinKeysMax) join keys in one lookup")
        }
        try cells.checkTypes(in: catalog)
        features = Array(cells.features.prefix(references.count))
        cellCount = cells.features.count
        derived = cells.derived
        derivedFeatures = catalog.derivedFeatures
        request = cells.request
        self.joinKeys = joinKeys
        generation = catalog.generation
        definitionHash = catalog.definitionHash
        parts = histories.map { history in
            let own = members[history.id] ?? Members()
            let components = history.joinKeys.compactMap { key in joinKeys.firstIndex { $0.name == key.name } }
            let outputs = own.aggregations.map(\.output) + own.attributes.map(\.output)
            return Part(
                history,
                components: components == Array(joinKeys.indices) ? nil : components,
                windows: WindowPlan(
                    own.aggregations.map(\.planned),
                    attributes: own.attributes.map(\.planned),
                    layout: catalog.tileLayouts[history.id]
                ),
                advancing: own.advancing(layout: catalog.tileLayouts[history.id]),
                retention: catalog.retentions[history.id] ?? .none,
                outputs: outputs,
                types: outputs.map { cells.features[Int($0)].type }
            )
        }
    }

    /// The features of one history, each with its place among all.
    private struct Members {
        var aggregations: [(output: Int32, planned: PlannedAggregation)] = []
        var attributes: [(output: Int32, planned: PlannedAttribute)] = []

        /// nil where no window can move.
        func advancing(layout: TileLayout?) -> Advancing? {
            let moving = aggregations.filter { AdvancingPlan.serves($0.planned) }
            guard !moving.isEmpty else { return nil }
            let others = aggregations.filter { !AdvancingPlan.serves($0.planned) }
            let isAll = others.isEmpty && attributes.isEmpty
            return Advancing(
                windows: AdvancingPlan(moving.map(\.planned)),
                outputs: moving.map(\.output),
                others: isAll
                    ? nil
                    : WindowPlan(others.map(\.planned), attributes: attributes.map(\.planned), layout: layout),
                otherOutputs: others.map(\.output) + attributes.map(\.output)
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
            live: history.column(StoredColumn.live.name)?.index,
            counts: history.countsBy?.mark,
            availableFrom: availableFrom
        )
    }
}

extension PlannedAttribute {
    /// - Returns: nil when the history lacks the column.
    init?(_ attribute: Attribute, of view: AttributeView, in history: HistorySchema, availableFrom: Instant) {
        guard let (index, column) = history.column(view.storedColumn(attribute.column).name) else { return nil }
        self.init(
            column: (index, column.field.type),
            filter: view.filterColumn.flatMap { history.column($0.name)?.index },
            live: history.column(StoredColumn.live.name)?.index,
            counts: history.countsBy?.mark,
            maxAge: view.maxAge,
            availableFrom: availableFrom
        )
    }
}

/// What a reference names.
enum ResolvedFeature {
    case aggregation(Aggregation, FeatureView)
    case attribute(Attribute, AttributeView)

    var view: any EventView {
        switch self {
        case .aggregation(_, let view): view
        case .attribute(_, let view): view
        }
    }

    /// The view's names for the columns that the feature reads.
    var columns: [String] {
        switch self {
        case .aggregation(let aggregation, _): aggregation.columnsRead
        case .attribute(let attribute, _): [attribute.column]
        }
    }
}

extension Catalog {
    func resolve(_ reference: FeatureReference) throws(StoreError) -> ResolvedFeature {
        if let view = definition.onDemandFeatureViews.first(where: { $0.name == reference.view }) {
            throw StoreError(
                .unknownName,
                "no feature '\(reference.feature)' in on-demand feature view '\(view.name)'"
                    + hint(for: reference.feature, among: view.features.map(\.name), title: "features")
            )
        }
        guard let view = view(reference.view) else {
            let known = definition.views.map(\.name) + definition.onDemandFeatureViews.map(\.name)
            throw StoreError(
                .unknownName,
                "no view '\(reference.view)'"
                    + hint(for: reference.view, among: known, title: "views")
            )
        }
        if let view = view as? FeatureView,
            let aggregation = view.aggregations.first(where: { $0.name == reference.feature })
        {
            return .aggregation(aggregation, view)
        }
        if let view = view as? AttributeView,
            let attribute = view.attributes.first(where: { $0.name == reference.feature })
        {
            return .attribute(attribute, view)
        }
        throw StoreError(
            .unknownName,
            "no feature '\(reference.feature)' in view '\(view.name)'"
                + hint(for: reference.feature, among: view.featureNames, title: "features")
        )
    }
}
