import FeatureHistory
import FeatureModel
import WireProtocol

/// A lookup that a connection prepared: the plan, and what its replies look like. Immutable, and a class, so that a request
/// passes one reference along.
final class PreparedLookup: Sendable {
    let target: PrepareRequest.Target
    let plan: LookupPlan
    let joinKeyTypes: [ValueType]
    let layout: FeatureLayout

    init(_ target: PrepareRequest.Target, _ plan: LookupPlan) {
        self.target = target
        self.plan = plan
        joinKeyTypes = plan.joinKeys.map(\.type)
        layout = FeatureLayout(types: plan.features.map(\.type))
    }

    /// Compiles a target against the definitions of a catalog.
    static func plan(_ target: PrepareRequest.Target, in catalog: Catalog) throws(WireError) -> LookupPlan {
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

    /// After definitions changed: the same by the new plan. The reply's shape must not have changed under the client.
    func refreshed(_ plans: PreparedPlans, in catalog: Catalog) throws(WireError) -> PreparedLookup {
        let changed = WireError(.definitionsChanged, "the definitions have changed; prepare the lookup again")
        let fresh: PreparedLookup
        do throws(WireError) { fresh = try plans.lookup(target, in: catalog) } catch { throw changed }
        guard fresh.plan.features == plan.features, fresh.plan.joinKeys == plan.joinKeys,
            fresh.plan.request == plan.request
        else { throw changed }
        return fresh
    }
}

/// A prepared lookup of one connection.
struct ConnectionLookup: Sendable {
    let lookup: PreparedLookup
    /// Where its durations are recorded: that of the event loop that asked for it.
    let latency: LatencyHistogram

    /// Called on the connection's event loop.
    init(_ lookup: PreparedLookup, _ shared: ServerContext) {
        self.lookup = lookup
        let service: String? = if case .service(let name) = lookup.target { name } else { nil }
        latency = shared.latency.histogram(service: service, .tcp, in: shared.store.catalog)
    }
}
