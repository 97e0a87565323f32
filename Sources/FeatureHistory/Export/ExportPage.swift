public import FeatureModel
public import Windowing

/// What of a history is wanted.
public struct ExportInterval: Hashable, Sendable {
    /// Events from here on.
    public var start: Instant
    /// Events before here.
    public var end: Instant
    /// K: events that arrived later are left out.
    public var knownAt: Instant

    public init(start: Instant, end: Instant, knownAt: Instant) {
        self.start = start
        self.end = end
        self.knownAt = knownAt
    }
}

/// Where a page ended: the next one goes on behind it.
public struct ExportPlace: Hashable, Sendable {
    /// The entity, as `EntityKey` writes it.
    public var key: [UInt8]
    /// Its last event that was looked at; `EventOrder.last`: all of them.
    public var order: EventOrder

    public init(key: [UInt8], order: EventOrder) {
        self.key = key
        self.order = order
    }
}

/// How large a page may be.
public struct ExportLimits: Hashable, Sendable {
    public var rowsMax: Int
    /// Of the rows as the wire has them. A first row, and the key of the last entity, may take a page beyond it.
    public var bytesMax: Int
    /// Of one row.
    public var rowBytesMax: Int
    /// Events that are looked at, where few of them count.
    var eventsMax = 1 << 18
    /// Entities that are looked at, where few of them have events in the interval.
    var entitiesMax = 1 << 16

    public init(rowsMax: Int, bytesMax: Int, rowBytesMax: Int) {
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
        self.rowBytesMax = rowBytesMax
    }
}

/// A piece of a view's history, in the order of (entity key, event time, position).
public struct ExportPage {
    /// Rows of one entity, which stand together.
    public struct Run {
        public var key: [UInt8]
        public var rows: Int
    }

    public var view: ExportedView
    /// What the page was read by.
    public var catalog: Catalog
    public var runs: [Run] = []
    /// The events, without keys.
    public var events: EventBatch
    /// nil at the end.
    public var next: ExportPlace?
    /// About how much of the history lies before the end of this page, 0 to 1.
    public var progress = 0.0
    /// Entities of which history has dropped events in the interval, and how many it has dropped of them altogether.
    public var droppedEntities = 0
    public var droppedEvents: UInt64 = 0

    /// Whether a row is a delete, for views that have them.
    public func isDelete(_ row: Int) -> Bool { view.live.map { events.isNull($0, row) } ?? false }

    /// Whether a row has no value in one of `view.columns`.
    public func isNull(_ column: ExportedView.Column, _ row: Int) -> Bool { events.isNull(column.index, row) }

    /// The slots of one of `view.columns`.
    public func slots(_ column: ExportedView.Column) -> UnsafePointer<UInt64> {
        UnsafePointer(events.column(column.index))
    }
}

extension EventOrder {
    /// Above every event.
    static let last = EventOrder(time: .max, stream: .max, offset: .max)
}
