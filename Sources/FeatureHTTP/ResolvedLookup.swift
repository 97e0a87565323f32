import FeatureHistory
import FeatureModel
import FeatureServer
import NIOConcurrencyHelpers

/// A list of features as the definitions of a generation have it: the plan, and the names of a request and of its answer.
final class ResolvedLookup: Sendable {
    let plan: LookupPlan
    let shortNames: [String]
    let fullNames: [String]
    /// The join keys of all entities: a client may send more than these features need.
    let joinKeys: Set<String>
    /// Entities with one join key, which Feast lets stand for it.
    let joinKeyOfEntity: [String: String]
    let latency: LatencyRecorder

    init(_ target: LookupTarget, in catalog: Catalog, _ latency: LatencyRegistry) throws(FeastFailure) {
        if let service = target.service {
            do throws(StoreError) { plan = try LookupPlan(service: service, in: catalog) } catch {
                throw FeastFailure(error, unknown: "FeatureServiceNotFoundException")
            }
            shortNames = plan.features.map(\.reference.feature)
            fullNames = plan.features.map { "\($0.reference.view)__\($0.reference.feature)" }
        } else {
            var references: [FeatureReference] = []
            fullNames = target.features.map { $0.replacing(":", with: "__") }
            for text in target.features {
                guard let reference = FeatureReference(text) else {
                    throw .refused("'\(text)' is not a feature reference; write view:feature")
                }
                references.append(reference.withoutVersion)
            }
            do throws(StoreError) { plan = try LookupPlan(references, in: catalog) } catch {
                let isView = catalog.definition.firstUnknown(of: references) == .view
                throw FeastFailure(
                    error,
                    unknown: isView ? "FeatureViewNotFoundException" : "FeastObjectNotFoundException"
                )
            }
            shortNames = references.map(\.feature)
        }
        let entities = catalog.definition.entities
        joinKeys = Set(entities.flatMap { $0.joinKeys.map(\.name) })
        joinKeyOfEntity = Dictionary(
            entities.compactMap { $0.joinKeys.count == 1 ? ($0.name, $0.joinKeys[0].name) : nil },
            uniquingKeysWith: { first, _ in first }
        )
        self.latency = LatencyRecorder(latency, service: target.service, .http, in: catalog)
    }

    /// What the answer calls the features; never twice the same, since a client reads by name.
    func names(full: Bool) throws(FeastFailure) -> [String] {
        let names = full ? fullNames : shortNames
        guard Set(names).count < names.count else { return names }
        var seen: Set<String> = []
        let twice = names.first { !seen.insert($0).inserted } ?? ""
        let advice = full ? "ask for it once" : "ask with full_feature_names"
        throw FeastFailure(
            422,
            .feast(class: "FeatureNameCollisionError"),
            "two features of the request are called '\(twice)'; \(advice)"
        )
    }
}

extension FeatureReference {
    /// `view@v2:feature` and `view@latest:feature` are Feast's ways to name a version of a view; here a view has one.
    fileprivate var withoutVersion: FeatureReference {
        guard let at = view.lastIndex(of: "@") else { return self }
        let version = view[view.index(after: at)...]
        let isNumber =
            version.hasPrefix("v") && version.count > 1
            && version.dropFirst().utf8.allSatisfy { (48...57).contains($0) }
        guard version == "latest" || isNumber else { return self }
        return FeatureReference(view: String(view[..<at]), feature: feature)
    }
}

extension FeatureStoreDefinition {
    fileprivate enum Unknown {
        case view, feature
    }

    /// What the first reference that names nothing lacks.
    fileprivate func firstUnknown(of references: [FeatureReference]) -> Unknown? {
        for reference in references {
            let names =
                views.first { $0.name == reference.view }?.featureNames
                ?? onDemandFeatureViews.first { $0.name == reference.view }?.features.map(\.name)
            guard let names else { return .view }
            if !names.contains(reference.feature) { return .feature }
        }
        return nil
    }
}

/// What was asked for lately, resolved: HTTP has no connection state to keep it in. One lock a request.
final class LookupCache: Sendable {
    private struct Kept {
        var generation: UInt64 = 0
        var lookups: [LookupTarget: ResolvedLookup] = [:]
    }

    /// Clients ask for few lists; one that invents them cannot fill the memory.
    private static let lookupsMax = 256
    private let kept = NIOLockedValueBox(Kept())

    func lookup(
        _ target: LookupTarget,
        _ store: FeatureStore,
        _ latency: LatencyRegistry
    ) throws(FeastFailure) -> ResolvedLookup {
        let generation = store.generation
        let known = kept.withLockedValue { $0.generation == generation ? $0.lookups[target] : nil }
        if let known { return known }
        let catalog = store.catalog
        let lookup = try ResolvedLookup(target, in: catalog, latency)
        kept.withLockedValue { kept in
            if kept.generation != catalog.generation || kept.lookups.count >= Self.lookupsMax {
                kept = Kept(generation: catalog.generation)
            }
            kept.lookups[target] = lookup
        }
        return lookup
    }
}
