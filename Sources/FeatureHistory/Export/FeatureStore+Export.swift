// The history of a view, page by page, as known at K:
//
//   first page   K is in no leaf yet? --> fold
//   every page   lease on K | one view of the database: leaves in key order, from the cursor on, to a limit | lease
//
// Once a fold has come as far as K, leaves hold every event that had arrived by then, whatever comes later: folds rewrite
// them, entity by entity in one batch each, and lose none. So a page takes no lock of any shard, and pages need no
// session: K, the cursor and the lease (HistoryLeases) make them one reading.

import Atomics
import FeatureModel
import Windowing

extension FeatureStore {
    /// One page of a view's history. Blocking; may fold first.
    ///
    /// - Parameters:
    ///   - interval: with a K that is not beyond the newest visible commit.
    ///   - place: `next` of the page before; nil begins.
    /// - Throws: `unknownName`; `refused` when history was dropped between two pages, or one event is too large.
    public func exportPage(
        ofView name: String,
        _ interval: ExportInterval,
        after place: ExportPlace?,
        _ limits: ExportLimits
    ) throws(StoreError) -> ExportPage {
        try leaseHistory(knownAt: interval.knownAt)
        try fold(through: interval.knownAt)
        while true {
            let catalog = catalog
            let view = try ExportedView(name, in: catalog)
            do throws(StoreError) {
                var walk = try ExportWalk(self, view, catalog, interval, limits)
                try walk.run(after: place)
                // A long page outlives its lease.
                try leaseHistory(knownAt: interval.knownAt)
                return walk.page
            } catch {
                // An apply came between: leaves may have more columns than the catalog a moment ago.
                guard error.code == .corruption, generation != catalog.generation else { throw error }
            }
        }
    }
}
