// The verbs about rows that came from files: what an interval holds of them, and from when on a source is complete.

import FeatureHistory
public import FeatureModel
import WireProtocol

/// Body of `file_rows`. Instants are ISO 8601; absent: without that bound.
public struct FileRowsRequest: Codable, Sendable {
    public var source: String
    public var start: String?
    public var end: String?

    public init(source: String, start: Instant?, end: Instant?) {
        self.source = source
        self.start = start?.iso8601
        self.end = end?.iso8601
    }
}

/// Reply of `file_rows`.
public struct FileRowsMessage: Codable, Sendable {
    public struct Day: Codable, Sendable {
        /// `YYYY-MM-DD`, UTC.
        public var day: String
        public var rows: UInt64
    }

    /// Rows from files by the day of their event time, in the whole hours of the interval that history keeps.
    public var days: [Day]
    /// Those hours, `[from, to)`, as hours since the epoch; equal where there are none.
    public var fromHour: Int64
    public var toHour: Int64
    /// From when on the source is complete, ISO 8601; absent: from the beginning.
    public var availableFrom: String?
    public var isAvailabilityDecided: Bool
    /// Before it history may have dropped events, ISO 8601; absent while all is kept.
    public var horizon: String?
}

/// Body of `available_from`, and its reply.
public struct AvailableFromMessage: Codable, Sendable {
    public var source: String
    /// ISO 8601. In the reply what holds now; absent: from the beginning.
    public var from: String?

    public init(source: String, from: Instant?) {
        self.source = source
        self.from = from?.iso8601
    }
}

extension AdminRouter {
    mutating func onFileRows(of store: FeatureStore) {
        on("file_rows") { body throws(WireError) in
            let wanted = try Self.request(FileRowsRequest.self, body)
            return try Self.reply(
                try Self.fileRows(
                    of: wanted.source,
                    from: try Self.instant(wanted.start) ?? .distantPast,
                    to: try Self.instant(wanted.end) ?? .distantFuture,
                    store
                )
            )
        }
        on("available_from") { body throws(WireError) in
            let wanted = try Self.request(AvailableFromMessage.self, body)
            _ = try Self.record(of: wanted.source, store)
            guard let from = try Self.instant(wanted.from) else { throw WireError(.badRequest, "from is missing") }
            let now: Instant
            do throws(StoreError) { now = try store.declareAvailable(wanted.source, from: from) } catch {
                throw WireError(.storeFailed, "\(error)")
            }
            return try Self.reply(AvailableFromMessage(source: wanted.source, from: now.given))
        }
    }

    private static func record(of source: String, _ store: FeatureStore) throws(WireError) -> SourceRecord {
        let catalog = store.catalog
        guard let record = catalog.sources[source] else {
            throw WireError(
                .badRequest,
                "no source '\(source)'\(hint(for: source, among: catalog.sources.keys.sorted(), title: "sources"))"
            )
        }
        return record
    }

    private static func instant(_ text: String?) throws(WireError) -> Instant? {
        guard let text else { return nil }
        guard let instant = Instant(iso8601: text) else {
            throw WireError(.badRequest, "'\(text)' is not an ISO 8601 time")
        }
        return instant
    }

    private static func fileRows(of source: String, from: Instant, to: Instant, _ store: FeatureStore)
        throws(WireError) -> FileRowsMessage
    {
        let record = try record(of: source, store)
        // Older rows are not accepted any more, and so not met, though history drops them later, in steps.
        let kept = store.catalog.definition.historyLength(of: source).map {
            max(store.now, store.newestCommit).advanced(by: -$0)
        }
        // Whole hours: the first that begins at or after the bound, and the last that ends at or before it.
        let lower = max(from, record.horizon, kept ?? .distantPast).microseconds
        let first = FileRowHour.hour(of: lower == .min ? lower : lower - 1) + 1
        let range = first..<max(first, FileRowHour.hour(of: to.microseconds))
        var days: [Int64: UInt64] = [:]
        for (hour, rows) in store.fileRowHours(of: source, range) {
            days[hour / 24 - (hour % 24 < 0 ? 1 : 0), default: 0] += rows
        }
        return FileRowsMessage(
            days: days.sorted { $0.key < $1.key }.map { day, rows in
                let start = Instant(microseconds: day * 24 * FileRowHour.microseconds)
                return FileRowsMessage.Day(day: String(start.iso8601.prefix(10)), rows: rows)
            },
            fromHour: range.lowerBound,
            toHour: range.upperBound,
            availableFrom: record.availableFrom.given?.iso8601,
            isAvailabilityDecided: record.isAvailabilityDecided,
            horizon: record.horizon.given?.iso8601
        )
    }
}

extension Instant {
    /// nil for the beginning of time.
    fileprivate var given: Instant? { self == .distantPast ? nil : self }
}
