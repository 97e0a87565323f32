import FeatureHistory
import FeatureModel
import FeatureServer
import NIOConcurrencyHelpers

/// A list of features as the definitions of a generation have it: the plan, and what the answer calls each feature.
final class ResolvedLookup: Sendable {
    let plan: LookupPlan
    let shortNames: [String]
    let fullNames: [String]
    let latency: LatencyRecorder

    init(_ target: LookupTarget, in catalog: Catalog, _ latency: LatencyRegistry) throws(FeastFailure) {
        do throws(StoreError) {
            if let service = target.service {
                plan = try LookupPlan(service: service, in: catalog)
                shortNames = plan.features.map(\.reference.feature)
                fullNames = plan.features.map { "\($0.reference.view)__\($0.reference.feature)" }
            } else {
                var references: [FeatureReference] = []
                var views: [String] = []
                for text in target.features {
                    guard let reference = FeatureReference(text) else {
                        throw StoreError(.refused, "'\(text)' is not a feature reference; write view:feature")
                    }
                    views.append(reference.view)
                    references.append(reference.withoutVersion)
                }
                plan = try LookupPlan(references, in: catalog)
                shortNames = references.map(\.feature)
                fullNames = zip(views, references).map { "\($0)__\($1.feature)" }
            }
        } catch { throw FeastFailure(error, service: target.service != nil) }
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
