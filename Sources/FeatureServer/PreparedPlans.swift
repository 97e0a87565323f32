import FeatureHistory
import Synchronization
import WireProtocol

/// The prepared lookups of a server: connections that ask for the same share one plan, and so the vectors that entities
/// keep for it. Safe to use from any thread.
final class PreparedPlans: Sendable {
    private struct State {
        /// The catalog's, by which all of them were compiled.
        var generation: UInt64 = 0
        var lookups: [PrepareRequest.Target: PreparedLookup] = [:]
        /// Of all of them.
        var features = 0
    }

    private let state = Mutex(State())

    /// Beyond this many targets of one generation, further ones are compiled for their connection alone.
    static let countMax = 1024
    /// And beyond so many features: some 20 MB, whatever clients ask for.
    static let featureCountMax = 65_536

    /// The lookup of a target by the definitions of `catalog`; compiled when it is asked for first.
    ///
    /// - Throws: `UNKNOWN_SERVICE`, `UNKNOWN_FEATURE` or `BAD_REQUEST`.
    func lookup(_ target: PrepareRequest.Target, in catalog: Catalog) throws(WireError) -> PreparedLookup {
        let known = state.withLock { $0.generation == catalog.generation ? $0.lookups[target] : nil }
        if let known { return known }
        // Not under the lock: connections of other loops need not wait for it.
        let fresh = PreparedLookup(target, try PreparedLookup.plan(target, in: catalog))
        return state.withLock { state in
            if state.generation < catalog.generation {
                state.generation = catalog.generation
                state.lookups = [:]
                state.features = 0
            }
            guard state.generation == catalog.generation else { return fresh }
            if let other = state.lookups[target] { return other }
            let features = state.features + fresh.plan.features.count
            guard state.lookups.count < Self.countMax, features <= Self.featureCountMax else { return fresh }
            state.features = features
            state.lookups[target] = fresh
            return fresh
        }
    }
}
