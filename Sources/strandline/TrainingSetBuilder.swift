// Labels to features over the wire:
//
//   labels --> ordered by (key, T) --> chunks --> ROWS, all with the first reply's K, some under way at a time
//                                              --> scattered back to the file's order
//
// With row time that K is the latest of any row; which commit each row reads is for its own T to say.
//
// Ordered rows let the server pass over each entity once; one K makes all chunks read the same commit. Chunks under way keep
// the server's threads busy while replies are taken apart here.

import FeatureModel
import StrandlineClient
import TrainingSets
import WireProtocol

struct TrainingSetBuilder {
    let client: StrandlineClient
    let prepared: PreparedLookup
    let boundary: Boundary
    let keepsEventTimes: Bool

    /// Enough for two threads of the server, with one reply on its way and one taken apart here.
    private static let underWayMax = 4
    /// Rows of one request at most: enough to amortise the round trip and what an entity's first row costs, few enough for
    /// replies of a megabyte or two.
    private static let chunkRowsMax = 8192

    /// Fewer where features are so many that a frame would not hold their rows.
    private var chunkRows: Int {
        // Request values have at most 9 bytes, but for strings.
        // Beside them 17 bytes a cell: status, value, event time.
        let bytes = prepared.features.count * 17 + prepared.request.count * 16 + 64
        return max(1, min(Self.chunkRowsMax, client.limits.rowsMax, client.limits.frameSizeMax / 2 / bytes))
    }

    /// A reply, and the label rows that it is about.
    private struct Part {
        var rows: ArraySlice<UInt32>
        var reply: ColumnsResult
    }

    /// - Parameters:
    ///   - limits: what the events that counted are compared with.
    ///   - progress: told how many rows are done.
    func build(
        _ labels: LabelPoints,
        knownAt: TrainingKnownAt,
        limits: EventLimits,
        progress: (Int) -> Void
    ) async throws -> TrainingColumns {
        let order = labels.rows.ordered()
        var result = TrainingColumns(
            features: prepared.features,
            count: labels.count,
            knownAt: knownAt.latest ?? .distantPast,
            keepsEventTimes: keepsEventTimes
        )
        var (start, done, size) = (0, 0, chunkRows)
        // The first reply says which K all others have.
        var pinned = knownAt.latest
        try await withThrowingTaskGroup(of: [Part].self) { group in
            var underWay = 0
            while done < order.count {
                while start < order.count, underWay < (pinned == nil ? 1 : Self.underWayMax) {
                    let rows = order[start..<min(order.count, start + size)]
                    let known = pinned
                    group.addTask { try await fetch(rows, of: labels, known, isRowTime: knownAt.isRowTime) }
                    start += rows.count
                    underWay += 1
                }
                guard let parts = try await group.next() else { break }
                underWay -= 1
                for part in parts {
                    pinned = part.reply.knownAt
                    result.take(part.reply, rows: part.rows, limits: limits)
                    done += part.rows.count
                    // What was too long once will most likely be again.
                    if parts.count > 1 { size = min(size, max(1, part.rows.count)) }
                }
                progress(done)
            }
        }
        return result
    }

    /// Asks for some rows; in halves where their strings, lists and maps are too long for a frame.
    private func fetch(
        _ rows: ArraySlice<UInt32>,
        of labels: LabelPoints,
        _ knownAt: Instant?,
        isRowTime: Bool
    ) async throws(ClientError) -> [Part] {
        do throws(ClientError) {
            let reply = try await client.rows(
                prepared,
                packed: labels.rows.keys.selecting(rows),
                asOf: rows.map { labels.rows.asOf[Int($0)] },
                request: prepared.request.isEmpty ? [] : rows.map { labels.request[Int($0)] },
                knownAt: knownAt,
                rowTime: isRowTime,
                boundary: boundary,
                eventTimes: true
            )
            return [Part(rows: rows, reply: reply)]
        } catch {
            guard error.code == .server(.tooMany), rows.count > 1 else { throw error }
        }
        let first = try await fetch(rows.prefix(rows.count / 2), of: labels, knownAt, isRowTime: isRowTime)
        let known = first.first?.reply.knownAt ?? knownAt
        return first + (try await fetch(rows.dropFirst(rows.count / 2), of: labels, known, isRowTime: isRowTime))
    }
}
