// Which cell each feature of a plan has:
//
//   cells    asked for, in their order            | read by derived features only
//            stored, derived, stored, ...         | stored, ...
//
// A stored feature is computed once, however many derived ones read it. Derived ones are computed last.

import FeatureModel

/// A derived feature of a plan: where its inputs are, and where its value goes.
struct DerivedCell: Sendable {
    enum Input: Sendable {
        case cell(Int)
        /// By its place among the plan's request values.
        case request(Int)
    }

    var cell: Int
    /// Its number among the catalog's derived features.
    var number: Int
    var isString: Bool
    /// Whether a string is among inputs or is the result.
    var hasStrings: Bool
    /// In the order in which the expression numbers them.
    var inputs: [Input]
}

struct CellLayout {
    /// A feature for each cell. Those of `stored` have a type to be filled in.
    var features: [LookupPlan.Feature]
    /// What is to be read from histories, with its cell.
    private(set) var stored: [(cell: Int, reference: FeatureReference)] = []
    private(set) var derived: [DerivedCell] = []
    /// What a request must bring along, each name once.
    private(set) var request: [Field] = []

    /// The most cells of a plan.
    static let cellCountMax = 8192

    init(_ references: [FeatureReference], in catalog: Catalog) throws(StoreError) {
        features = references.map { LookupPlan.Feature(reference: $0, type: .int64) }
        var cells: [FeatureReference: Int] = [:]
        var wanted: [(cell: Int, reference: FeatureReference, compiled: DerivedFeatures.Compiled)] = []
        for (cell, reference) in references.enumerated() {
            if let compiled = try catalog.derivedFeatures[reference] {
                features[cell].type = .single(compiled.type)
                wanted.append((cell, reference, compiled))
            } else {
                cells[reference] = cells[reference] ?? cell
                stored.append((cell, reference))
            }
        }
        for (cell, reference, compiled) in wanted {
            var inputs: [DerivedCell.Input] = []
            for input in compiled.inputs { inputs.append(try place(of: input, for: reference, &cells)) }
            let isString = compiled.type == .string
            derived.append(
                DerivedCell(
                    cell: cell,
                    number: compiled.number,
                    isString: isString,
                    hasStrings: isString || compiled.inputs.contains { $0.type == .string },
                    inputs: inputs
                )
            )
        }
    }

    private mutating func place(
        of input: DerivedInput,
        for reference: FeatureReference,
        _ cells: inout [FeatureReference: Int]
    ) throws(StoreError) -> DerivedCell.Input {
        guard let feature = input.feature else {
            return .request(try requestPlace(Field(name: input.name, type: input.type), for: reference))
        }
        if let cell = cells[feature] { return .cell(cell) }
        let cell = features.count
        guard cell < Self.cellCountMax else {
            throw StoreError(.refused, "more than \(Self.cellCountMax) features to compute in one lookup")
        }
        cells[feature] = cell
        features.append(LookupPlan.Feature(reference: feature, type: .int64))
        stored.append((cell, feature))
        return .cell(cell)
    }

    private mutating func requestPlace(_ field: Field, for reference: FeatureReference) throws(StoreError) -> Int {
        if let known = request.firstIndex(where: { $0.name == field.name }) {
            guard request[known].type == field.type else {
                let types = "\(request[known].type.name) and, in '\(reference)', \(field.type.name)"
                throw StoreError(.refused, "request value '\(field.name)' has two types: \(types)")
            }
            return known
        }
        guard request.count < OnDemandFeatureView.requestCountMax else {
            let limit = OnDemandFeatureView.requestCountMax
            throw StoreError(.refused, "more than \(limit) request values in one lookup")
        }
        request.append(field)
        return request.count - 1
    }

    /// Whether every input has the type that its expression was checked with.
    ///
    /// - Throws: `refused` for one that has not: definitions that no repository's check has seen.
    func checkTypes(in catalog: Catalog) throws(StoreError) {
        for derived in derived {
            let compiled = try catalog.derivedFeatures[features[derived.cell].reference]
            for (place, input) in zip(derived.inputs, compiled?.inputs ?? []) {
                guard case .cell(let cell) = place, features[cell].type != .single(input.type) else { continue }
                let types = "\(features[cell].type.name), not \(input.type.name)"
                let reference = features[derived.cell].reference
                throw StoreError(.refused, "derived feature '\(reference)': '\(features[cell].reference)' is \(types)")
            }
        }
    }
}
