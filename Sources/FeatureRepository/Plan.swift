// What applying a definition would change: the answer of `strandline plan`, and the gate of `strandline apply`.

public import FeatureModel

/// One definition that an apply adds, changes, removes or leaves as it is.
public struct Change: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case add, change, remove, unchanged
    }

    public var kind: Kind
    public var object: DefinitionKind
    /// The definition's name; `name@version` for a service.
    public var name: String
    /// One line per part, such as `+ amount_sum_7d (sum of amount over 7d)`. Each begins with `+`, `~` or `-`.
    public var details: [String]

    public init(kind: Kind, object: DefinitionKind, name: String, details: [String] = []) {
        self.kind = kind
        self.object = object
        self.name = name
        self.details = details
    }
}

/// The difference between what is applied and a new definition.
public struct Plan: Hashable, Sendable {
    public var project: String
    /// Entities, sources, views, on-demand views, services; each in the order of the new definition, then what is removed.
    public var changes: [Change] = []
    /// What an operator should know, but nothing that stops the apply.
    public var notes: [String] = []
    /// Why the new definition cannot be applied to the live store; empty when it can.
    public var refusals: [String] = []
    /// The content hash of the new definition.
    public var definitionHash: String

    /// True when nothing stops the apply.
    public var isApplicable: Bool { refusals.isEmpty }

    /// True when the two definitions are the same, descriptions included.
    public var isEmpty: Bool { refusals.isEmpty && changes.allSatisfy { $0.kind == .unchanged } }

    /// How many definitions have this kind of change.
    public func count(of kind: Change.Kind) -> Int { changes.count { $0.kind == kind } }

    /// Compares two definitions.
    ///
    /// - Parameters:
    ///   - applied: what the store holds; nil for a new store, where nothing can be refused.
    ///   - new: a checked definition, as `Repository` gives it.
    public init(from applied: FeatureStoreDefinition?, to new: FeatureStoreDefinition) {
        project = new.project
        definitionHash = FeatureRepository.definitionHash(of: new)
        if let applied, applied.project != new.project {
            refusals.append(
                "the project is '\(new.project)', but the store holds '\(applied.project)': a store belongs to one project; "
                    + "use another data directory"
            )
        }
        compare(.entity, applied?.entities ?? [], new.entities, name: \.name, lines: entityLines, entityChanges)
        compare(.source, applied?.sources ?? [], new.sources, name: \.name, lines: sourceLines, sourceChanges)
        compare(.view, applied?.featureViews ?? [], new.featureViews, name: \.name, lines: viewLines, viewChanges)
        compare(
            .view,
            applied?.attributeViews ?? [],
            new.attributeViews,
            name: \.name,
            lines: attributeViewLines,
            attributeViewChanges
        )
        compare(
            .onDemandView,
            applied?.onDemandFeatureViews ?? [],
            new.onDemandFeatureViews,
            name: \.name,
            lines: onDemandViewLines,
            onDemandViewChanges
        )
        compare(
            .service,
            applied?.featureServices ?? [],
            new.featureServices,
            name: \.versionedName,
            lines: serviceLines,
            serviceChanges
        )
        if let applied { notes += partialNotes(from: applied, to: new) + lifetimeNotes(from: applied, to: new) }
    }

    /// - Parameters:
    ///   - lines: the parts of a definition, for one that is added or removed as a whole.
    ///   - difference: the parts that differ; may add notes and refusals.
    private mutating func compare<Definition: Equatable>(
        _ object: DefinitionKind,
        _ old: [Definition],
        _ new: [Definition],
        name: (Definition) -> String,
        lines: (Definition) -> [String],
        _ difference: (inout Plan, Definition, Definition) -> [String]
    ) {
        let oldByName = Dictionary(old.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let newNames = Set(new.map(name))
        for definition in new {
            let name = name(definition)
            switch oldByName[name] {
            case nil:
                changes.append(
                    Change(kind: .add, object: object, name: name, details: lines(definition).map { "+ \($0)" })
                )
            case definition?:
                changes.append(Change(kind: .unchanged, object: object, name: name))
            case let before?:
                let details = difference(&self, before, definition)
                // An order that means nothing may be all that differs.
                changes.append(
                    Change(kind: details.isEmpty ? .unchanged : .change, object: object, name: name, details: details)
                )
            }
        }
        for definition in old where !newNames.contains(name(definition)) {
            changes.append(
                Change(
                    kind: .remove,
                    object: object,
                    name: name(definition),
                    details: lines(definition).map { "- \($0)" }
                )
            )
        }
    }
}

extension FeatureService {
    /// `repeat_purchase@1`.
    public var versionedName: String { "\(name)@\(version)" }
}
