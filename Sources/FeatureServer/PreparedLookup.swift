import FeatureHistory
import FeatureModel
import WireProtocol

/// A lookup that a connection prepared: the plan, and what its replies look like.
struct PreparedLookup {
    let target: PrepareRequest.Target
    var plan: LookupPlan
    var joinKeyTypes: [ValueType]
    var layout: FeatureLayout
    /// Where its lookups are recorded: that of the event loop that it was prepared on.
    private(set) var latency: LatencyHistogram
    private let registry: LatencyRegistry

    init(_ target: PrepareRequest.Target, in catalog: Catalog, _ registry: LatencyRegistry) throws(WireError) {
        self.target = target
        self.registry = registry
        plan = try Self.plan(target, in: catalog)
        latency = Self.histogram(target, in: catalog, registry)
        joinKeyTypes = plan.joinKeys.map(\.type)
        layout = FeatureLayout(types: plan.features.map(\.type))
    }

    private static func histogram(
        _ target: PrepareRequest.Target,
        in catalog: Catalog,
        _ registry: LatencyRegistry
    ) -> LatencyHistogram {
        let service: String? = if case .service(let name) = target { name } else { nil }
        return registry.histogram(service: service, .tcp, in: catalog)
    }

    private static func plan(_ target: PrepareRequest.Target, in catalog: Catalog) throws(WireError) -> LookupPlan {
        do throws(StoreError) {
            switch target {
            case .service(let name): return try LookupPlan(service: name, in: catalog)
            case .references(let texts):
                var references: [FeatureReference] = []
                for text in texts {
                    guard let reference = FeatureReference(text) else {
                        throw StoreError(.unknownName, "'\(text)' is not a feature reference; write view:feature")
                    }
                    references.append(reference)
                }
                return try LookupPlan(references, in: catalog)
            }
        } catch {
            let unknown: WireErrorCode = if case .service = target { .unknownService } else { .unknownFeature }
            throw WireError(error.code == .unknownName ? unknown : .badRequest, error.message)
        }
    }

    /// After definitions changed: compiles anew. The reply's shape must not have changed under the client.
    mutating func refresh(in catalog: Catalog) throws(WireError) {
        let changed = WireError(.definitionsChanged, "the definitions have changed; prepare the lookup again")
        let fresh: LookupPlan
        do throws(WireError) { fresh = try Self.plan(target, in: catalog) } catch { throw changed }
        guard fresh.features == plan.features, fresh.joinKeys == plan.joinKeys, fresh.request == plan.request else {
            throw changed
        }
        plan = fresh
        latency = Self.histogram(target, in: catalog, registry)
    }
}
