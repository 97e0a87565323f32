// Labels to features over the wire:
//
//   labels --> ordered by (key, T) --> chunks of rowsMax --> ROWS, all with the first reply's K --> scattered back
//
// With row time that K is the latest of any row; which commit each row reads is for its own T to say.
//
// Ordered rows let the server fetch each entity once; one K makes all chunks read the same commit.

import ArrowTables
import FeatureModel
import StrandlineClient
import WireProtocol

struct TrainingSetBuilder {
    let client: StrandlineClient
    let prepared: PreparedLookup
    let boundary: Boundary

    /// Rows of one request: enough to amortise the round trip, few enough for a frame with many features.
    private var chunkRows: Int {
        // Request values have at most 9 bytes, but for strings.
        let bytes = prepared.features.count * 17 + prepared.request.count * 16 + 64
        return max(1, min(client.limits.rowsMax, client.limits.frameSizeMax / 2 / bytes))
    }

    func build(_ labels: Labels, knownAt: TrainingKnownAt) async throws -> TrainingColumns {
        let encoded = labels.encodedKeys
        let order = (0..<labels.count).sorted { a, b in
            if encoded[a] != encoded[b] { return encoded[a].lexicographicallyPrecedes(encoded[b]) }
            return (labels.asOf[a], a) < (labels.asOf[b], b)
        }
        var result = TrainingColumns(
            features: prepared.features,
            count: labels.count,
            knownAt: knownAt.latest ?? .distantPast
        )
        var bar = ProgressBar("training set", total: labels.count)
        var pinned = knownAt.latest
        var start = 0
        var size = chunkRows
        while start < order.count {
            let rows = Array(order[start..<min(order.count, start + size)])
            let reply: ColumnsResult
            do throws(ClientError) {
                reply = try await client.rows(
                    prepared,
                    keys: rows.map { labels.keys[$0] },
                    asOf: rows.map { labels.asOf[$0] },
                    request: prepared.request.isEmpty ? [] : rows.map { labels.request[$0] },
                    knownAt: pinned,
                    rowTime: knownAt.isRowTime,
                    boundary: boundary,
                    eventTimes: true
                )
            } catch {
                // Strings, lists and maps have no bound of their own: their rows may be too long for a frame.
                guard error.code == .server(.tooMany), rows.count > 1 else { throw error }
                size = rows.count / 2
                continue
            }
            pinned = reply.knownAt
            result.take(reply, rows: rows)
            start += rows.count
            bar.update(start)
        }
        return result
    }
}

/// The features of a training set, a cell a label row.
struct TrainingColumns {
    let features: [PreparedReply.Feature]
    private(set) var knownAt: Instant
    /// By feature and row, as all of these.
    private var values: [[FeatureValue]]
    private(set) var statuses: [[StatusByte]]
    /// The newest event that counted, in microseconds, `Int64.min` where none did.
    private(set) var eventTimes: [[Int64]]

    init(features: [PreparedReply.Feature], count: Int, knownAt: Instant) {
        self.features = features
        self.knownAt = knownAt
        values = features.map { _ in Array(repeating: .null, count: count) }
        statuses = features.map { _ in Array(repeating: StatusByte(.nullValue, hasValue: false), count: count) }
        eventTimes = features.map { _ in Array(repeating: .min, count: count) }
    }

    /// Takes over the columns of a part of the features, which stand at these places.
    mutating func take(_ part: TrainingColumns, at places: [Int]) {
        knownAt = part.knownAt
        for (index, place) in places.enumerated() {
            values[place] = part.values[index]
            statuses[place] = part.statuses[index]
            eventTimes[place] = part.eventTimes[index]
        }
    }

    mutating func take(_ reply: ColumnsResult, rows: [Int]) {
        knownAt = reply.knownAt
        for (feature, column) in reply.columns.enumerated() {
            for (index, row) in rows.enumerated() {
                values[feature][row] = column[index]
                statuses[feature][row] = column.statuses[index]
                eventTimes[feature][row] = column.eventTimes?[index] ?? .min
            }
        }
    }

    /// The features' names, or `view__feature` where two views share one.
    static func names(of features: [PreparedReply.Feature]) -> [String] {
        let names = features.map { FeatureReference($0.reference)?.feature ?? $0.reference }
        var counts: [String: Int] = [:]
        for name in names { counts[name, default: 0] += 1 }
        return zip(features, names).map { feature, name in
            counts[name] == 1 ? name : feature.reference.split(separator: ":").joined(separator: "__")
        }
    }

    /// The name of the column that says why a feature has the value that it has.
    static func statusName(of name: String) -> String { "\(name)__status" }

    /// The name of the column that says which event was the newest that counted.
    static func eventTimeName(of name: String) -> String { "\(name)__event_time" }

    func append(to table: inout Table, statusColumns: Bool, eventTimeColumns: Bool) throws {
        for (index, (feature, name)) in zip(features, Self.names(of: features)).enumerated() {
            try table.append(ArrowTables.FeatureColumn(name: name, type: feature.type, cells: values[index]))
            if statusColumns {
                let words = statuses[index].map { $0.status?.name ?? "" }
                try table.append(
                    ArrowTables.FeatureColumn(
                        name: Self.statusName(of: name),
                        values: .string(words),
                        isValid: Array(repeating: true, count: words.count)
                    )
                )
            }
            if eventTimeColumns {
                try table.append(
                    ArrowTables.FeatureColumn(
                        name: Self.eventTimeName(of: name),
                        values: .timestamp(eventTimes[index].map(Instant.init(microseconds:))),
                        isValid: eventTimes[index].map { $0 != .min }
                    )
                )
            }
        }
    }
}
