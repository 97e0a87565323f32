// Pages of a view's history, one after the other, all as known at the first one's K. While a page is taken, the next one is
// read: it needs only where this one ended.

import FeatureModel
import StrandlineClient
import WireProtocol

struct ExportReader {
    let client: StrandlineClient
    let view: String
    let interval: ExportedInterval
    /// nil: the newest commit.
    let knownAt: Instant?

    /// A first page may wait for a fold, and a page of a large store for the disk.
    private static let pageTime = Duration.seconds(600)

    private func request(_ knownAt: Instant?, after place: HistoryPlace?) -> HistoryPageRequest {
        HistoryPageRequest(
            view: view,
            knownAt: knownAt,
            start: interval.start ?? .distantPast,
            end: interval.end ?? .distantFuture,
            rows: client.limits.rowsMax,
            place: place
        )
    }

    /// - Parameter body: called with every page, in order; there is at least one.
    func pages(_ body: (HistoryPageReply) throws -> Void) async throws {
        var page = try await client.historyPage(request(knownAt, after: nil), within: Self.pageTime)
        let (first, pinned) = (page.schema, page.knownAt)
        let newest = (page.horizon, page.availableFrom)
        while let place = page.place {
            async let next = client.historyPage(request(pinned, after: place), within: Self.pageTime)
            try body(page)
            page = try await next
            guard page.schema == first, (page.horizon, page.availableFrom) == newest else {
                throw Failure(
                    .failed,
                    "the definitions or the horizon changed while '\(view)' was read; start it again"
                )
            }
            guard page.knownAt == pinned, page.place != place else {
                throw Failure(.failed, "the server does not go on where it was told to")
            }
        }
        try body(page)
    }
}
