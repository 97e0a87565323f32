// The walk of one page over leaves, in key order:
//
//   entity A   first leaf (base) | leaf | leaf        entity B   first leaf | ...
//              dropped | before start | wanted | at or after end --> next entity
//                                       ^ every row: arrived by K? first of its event_id? passes the filter? room for it?
//
// It stops behind a row that it has passed, so that the next page goes on there: not before it, or a page that finds no
// room would never come further, and not within what history has dropped, which is told apart by its beginning.

import FeatureModel
import RocksDB
import Windowing

struct ExportWalk: ~Copyable {
    private(set) var page: ExportPage
    private let interval: ExportInterval
    private let limits: ExportLimits
    private var iterator: RocksDB.Iterator
    private var ids: InstantIDs
    private var byteCount = 0
    private var events = 0
    private var entities = 0
    /// Rows of the leaves that were read, wanted or not.
    private var decoded = 0
    /// Behind the last entity that was read to its end.
    private var lastEntity: ExportPlace?
    /// What a row takes on the wire, strings without their bytes.
    private let rowBytes: Int
    private let stringColumns: [Int]

    private enum Step: Equatable {
        case goOn
        /// What is left of the entity lies behind the interval.
        case done
        /// The page ends here.
        case full
        /// With an `event_id` no instant is dropped in part: what was dropped of this one is to be read again.
        case again(Int64)
    }

    /// How far the walk has come in an entity.
    private struct Progress {
        /// Rows up to here were in an earlier page.
        var behind: EventOrder?
        /// The last row that was passed in this page.
        var passed: EventOrder?
        var isDropping: Bool
        var dropped: DroppedPrefix
    }

    init(
        _ store: FeatureStore,
        _ view: ExportedView,
        _ catalog: Catalog,
        _ interval: ExportInterval,
        _ limits: ExportLimits
    ) throws(StoreError) {
        self.interval = interval
        self.limits = limits
        page = ExportPage(view: view, catalog: catalog, events: EventBatch(types: view.types, capacity: 1 << 14))
        ids = InstantIDs(view.types.eventID)
        stringColumns = view.columns.filter { $0.type == .string }.map(\.index)
        rowBytes = view.columns.reduce(view.hasDeletes ? 33 : 32) {
            switch $1.type {
            case .int64, .timestamp, .float64: $0 + 9
            case .string: $0 + 5
            case .bool: $0 + 2
            }
        }
        iterator = try storing { () throws(RocksDBError) in
            try store.database.makeIterator(
                in: store.families.leaves,
                lowerBound: StoreKeys.history(view.history.id),
                upperBound: StoreKeys.history(view.history.id &+ 1),
                fillCache: false
            )
        }
    }

    mutating func run(after place: ExportPlace?) throws(StoreError) {
        try walk(after: place)
        if page.next == nil { page.progress = 1 } else { measure() }
        try check(iterator)
    }

    private mutating func walk(after place: ExportPlace?) throws(StoreError) {
        if let place {
            var identity: [UInt8] = []
            place.key.withUnsafeBytes {
                StoreKeys.appendEntity(history: page.view.history.id, key: $0, to: &identity)
            }
            if place.order != .last {
                seek(identity, to: page.view.types.eventID == nil ? place.order : Self.start(of: place.order.time))
                guard try read(identity, behind: place.order) else { return }
            }
            iterator.seek(to: LeafWriter.upperBound(identity))
        } else {
            iterator.seekToFirst()
        }
        while iterator.isValid {
            guard let identity = StoreKeys.identity(in: iterator.key), StoreKeys.leafStart(in: iterator.key) == .first
            else { throw StoreError(.corruption, "a leaf's key is not one, or an entity's first leaf is missing") }
            guard try read(identity, behind: nil) else { return }
            entities += 1
            if entities >= limits.entitiesMax || decoded >= limits.eventsMax {
                page.next = ExportPlace(key: Array(identity.dropFirst(EntityIdentity.headBytes)), order: .last)
                return
            }
        }
    }

    /// Before every event of an instant.
    private static func start(of time: Int64) -> EventOrder { EventOrder(time: time, stream: 0, offset: .min) }

    /// To the leaf of the entity that holds what is not older than `order`; to no leaf of it where there is none.
    private mutating func seek(_ identity: [UInt8], to order: EventOrder) {
        iterator.seekForPrev(to: LeafWriter.key(identity, order))
        if !isAt(identity) { iterator.seek(to: LeafWriter.upperBound(identity)) }
    }

    private func isAt(_ identity: [UInt8]) -> Bool { iterator.isValid && iterator.key.starts(with: identity) }

    /// Reads an entity from the leaf on at which the iterator stands, and moves on to the next entity.
    ///
    /// - Parameter behind: where the page before stopped in it; nil: the iterator stands at its first leaf.
    /// - Returns: false when the page is full; `page.next` says where it ended.
    private mutating func read(_ identity: [UInt8], behind: EventOrder?) throws(StoreError) -> Bool {
        let horizon = page.view.horizon.microseconds
        var progress = Progress(
            behind: behind,
            isDropping: behind == nil && horizon > .min,
            dropped: DroppedPrefix(horizon: horizon)
        )
        ids.begin()
        let rows = page.events.count
        var isFirst = behind == nil
        var step = Step.goOn
        while step != .full, step != .done, isAt(identity) {
            let (from, strings) = (page.events.count, page.events.strings.count)
            let trailer = try LeafCodec.decode(iterator.value, into: page.events)
            decoded += page.events.count - from
            if isFirst, let base = trailer.base { try progress.dropped.take(base: base) }
            step = try take(from..<page.events.count, &progress)
            // What is not wanted must not pile up: a leaf may have much text in rows and columns that are not.
            page.events.keepStrings(from: strings, of: from..<page.events.count, in: stringColumns)
            switch step {
            case .again(let time): seek(identity, to: Self.start(of: time))
            case .goOn:
                iterator.next()
                if isFirst, !trailer.hasMore { step = .done } else { seekStart(identity, progress) }
            case .done: skip(identity)
            case .full: break
            }
            isFirst = false
        }
        finish(identity, progress, rows: page.events.count - rows, isFull: step == .full)
        return step != .full
    }

    /// Where the interval begins far behind: not leaf by leaf.
    private mutating func seekStart(_ identity: [UInt8], _ progress: Progress) {
        let start = Self.start(of: interval.start.microseconds)
        guard !progress.isDropping, isAt(identity), let leaf = StoreKeys.leafStart(in: iterator.key), leaf < start
        else {
            return
        }
        seek(identity, to: start)
    }

    /// Keeps those of the rows that a leaf has just added that are wanted.
    private mutating func take(_ rows: Range<Int>, _ progress: inout Progress) throws(StoreError) -> Step {
        let batch = page.events
        var kept = rows.lowerBound
        defer { batch.truncate(to: kept) }
        for row in rows {
            let order = batch.eventOrder(row)
            if let last = progress.dropped.last, !(last < order) { continue }
            if progress.isDropping {
                if progress.dropped.drops(time: order.time, arrival: batch.arrivals[row]) {
                    progress.dropped.add(order)
                    continue
                }
                progress.isDropping = false
                if batch.eventID != nil, progress.dropped.last?.time == order.time {
                    progress.dropped.giveBackInstant()
                    return .again(order.time)
                }
            }
            if order.time >= interval.end.microseconds { return .done }
            var isWanted =
                order.time >= interval.start.microseconds && batch.arrivals[row] <= interval.knownAt.microseconds
            // Those of the page before are met again, for the ids that they have.
            if isWanted, ids.meet(row, of: batch) { isWanted = false }
            if let behind = progress.behind, !(behind < order) { continue }
            if events >= limits.eventsMax, progress.passed != nil { return .full }
            events += 1
            if isWanted, batch.nulls[row] & page.view.mask == 0 {
                guard try makeRoom(for: row, kept: kept) else { return .full }
                if row != kept { batch.move(row, to: kept) }
                kept += 1
            }
            progress.passed = order
        }
        return .goOn
    }

    /// - Returns: false when the page has none for the row.
    private mutating func makeRoom(for row: Int, kept: Int) throws(StoreError) -> Bool {
        var bytes = rowBytes
        for column in stringColumns where !page.events.isNull(column, row) {
            bytes += Int(page.events.column(column)[row] & 0xffff_ffff)
        }
        guard bytes <= limits.rowBytesMax else {
            throw StoreError(
                .refused,
                "an event of view '\(page.view.name)' at \(Instant(microseconds: page.events.times[row]).iso8601) has \(bytes) bytes, beyond the \(limits.rowBytesMax) that one row may have"
            )
        }
        guard kept < limits.rowsMax, kept == 0 || byteCount + bytes <= limits.bytesMax else { return false }
        byteCount += bytes
        return true
    }

    /// To the next entity.
    private mutating func skip(_ identity: [UInt8]) {
        var steps = 0
        while isAt(identity) {
            steps += 1
            if steps > 4 { iterator.seek(to: LeafWriter.upperBound(identity)) } else { iterator.next() }
        }
    }

    private mutating func finish(_ identity: [UInt8], _ progress: Progress, rows: Int, isFull: Bool) {
        let key = Array(identity.dropFirst(EntityIdentity.headBytes))
        if rows > 0 {
            page.runs.append(ExportPage.Run(key: key, rows: rows))
            // Length, key and the number of its rows.
            byteCount += key.count + 6
        }
        if isFull {
            page.next = progress.passed.map { ExportPlace(key: key, order: $0) } ?? lastEntity
            // Read again by the next page, from its beginning.
            if progress.passed == nil { return }
        } else {
            lastEntity = ExportPlace(key: key, order: .last)
        }
        guard progress.dropped.touches(interval) else { return }
        page.droppedEntities += 1
        page.droppedEvents &+= progress.dropped.count
    }

    /// How far the page's end lies between the first and the last key of the history.
    private mutating func measure() {
        guard let next = page.next else { return }
        iterator.seekToFirst()
        guard iterator.isValid, let first = StoreKeys.identity(in: iterator.key) else { return }
        iterator.seekToLast()
        guard iterator.isValid, let last = StoreKeys.identity(in: iterator.key) else { return }
        var here: [UInt8] = []
        next.key.withUnsafeBytes { StoreKeys.appendEntity(history: page.view.history.id, key: $0, to: &here) }
        let common = zip(first, last).prefix { $0 == $1 }.count
        func number(_ key: [UInt8]) -> Double {
            (0..<6).reduce(0.0) { $0 * 256 + Double(common + $1 < key.count ? key[common + $1] : 0) }
        }
        let (low, high) = (number(first), number(last))
        page.progress = high > low ? min(1, max(0, (number(here) - low) / (high - low))) : 0
    }
}
