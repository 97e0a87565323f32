// A leaf: up to `LeafCodec.eventsMax` events of one entity, columnar, as it stands in RocksDB.
//
//   version u8 | flags u8 (bit 0: the entity has further leaves; bit 1: a base follows) | events varint | columns varint
//   times      zigzag varint deltas; the first from 0
//   arrivals   zigzag varint deltas
//   streams    count varint, then each stream u64; per event a varint index, omitted when there is one stream
//   offsets    zigzag varint deltas
//   nulls      one byte: 0 none; 1: per event a varint mask
//   column     int64, timestamp: zigzag deltas | float64: 8 bytes | bool: 1 byte | string: varint length, bytes
//              null cells are not stored
//   base       length varint, bytes: what is left of the events that history has dropped (`HistoryBase`); only in an
//              entity's first leaf
//
// Events stand oldest first by (time, position). RocksDB's block checksum covers the bytes. Written once, read by every
// cold read: docs/format/history.md.

import FeatureModel
import Windowing

enum LeafCodec {
    static let version: UInt8 = 1
    /// A leaf that grows beyond this is split.
    static let eventsMax = 256
    static let hasMoreFlag: UInt8 = 1
    static let hasBaseFlag: UInt8 = 2

    /// What a leaf says beside its events.
    struct Trailer: Equatable {
        /// Whether the entity has further leaves.
        var hasMore = false
        var base: [UInt8]?
    }

    /// Encodes rows `range` of `batch`, which must be in event order.
    static func encode(_ batch: EventBatch, rows range: Range<Int>, _ trailer: Trailer) -> [UInt8] {
        var writer = ByteWriter(capacity: 32 + range.count * (16 + 9 * batch.columnCount))
        encode(batch, rows: range, trailer, to: &writer)
        return writer.bytes
    }

    /// The same, to the end of what a writer holds.
    static func encode(
        _ batch: EventBatch,
        rows range: Range<Int>,
        _ trailer: Trailer,
        to writer: inout ByteWriter
    ) {
        writer.append(version)
        writer.append((trailer.hasMore ? hasMoreFlag : 0) | (trailer.base == nil ? 0 : hasBaseFlag))
        writer.append(varint: UInt64(range.count))
        writer.append(varint: UInt64(batch.columnCount))
        appendDeltas(batch.times, range, to: &writer)
        appendDeltas(batch.arrivals, range, to: &writer)
        appendStreams(batch.streams, range, to: &writer)
        appendDeltas(batch.offsets, range, to: &writer)
        // In memory the bits beyond the columns are set too, for columns that may be added; they need not be stored.
        let stored = ~EventBatch.missingColumns(from: batch.columnCount)
        let hasNulls = range.contains { batch.nulls[$0] & stored != 0 }
        writer.append(hasNulls ? UInt8(1) : 0)
        if hasNulls { for row in range { writer.append(varint: batch.nulls[row] & stored) } }
        for column in 0..<batch.columnCount { append(column: column, of: batch, range, to: &writer) }
        if let base = trailer.base { writer.append(lengthPrefixed: base) }
    }

    private static func appendDeltas(
        _ values: UnsafeMutablePointer<Int64>,
        _ range: Range<Int>,
        to writer: inout ByteWriter
    ) {
        var previous: Int64 = 0
        for row in range {
            writer.append(zigzag: values[row] &- previous)
            previous = values[row]
        }
    }

    private static func appendStreams(
        _ values: UnsafeMutablePointer<UInt64>,
        _ range: Range<Int>,
        to writer: inout ByteWriter
    ) {
        var distinct: [UInt64] = []
        for row in range where values[row] != distinct.last && !distinct.contains(values[row]) {
            distinct.append(values[row])
        }
        writer.append(varint: UInt64(distinct.count))
        for stream in distinct { writer.append(stream) }
        guard distinct.count > 1 else { return }
        for row in range { writer.append(varint: UInt64(distinct.firstIndex(of: values[row]) ?? 0)) }
    }

    private static func append(column: Int, of batch: EventBatch, _ range: Range<Int>, to writer: inout ByteWriter) {
        let (slots, nulls, bit) = (batch.column(column), batch.nulls, UInt64(1) << UInt64(column))
        var previous: Int64 = 0
        switch batch.types[column] {
        case .int64, .timestamp:
            for row in range where nulls[row] & bit == 0 {
                let value = Int64(bitPattern: slots[row])
                writer.append(zigzag: value &- previous)
                previous = value
            }
        case .float64: for row in range where nulls[row] & bit == 0 { writer.append(slots[row]) }
        case .bool:
            for row in range where nulls[row] & bit == 0 { writer.append(UInt8(truncatingIfNeeded: slots[row])) }
        case .string:
            for row in range where nulls[row] & bit == 0 {
                batch.string(slots[row]).withUnsafeBytes { writer.append(lengthPrefixed: $0) }
            }
        }
    }

    /// Appends a leaf's events to `batch`. Columns that the leaf was written without are null.
    @discardableResult
    static func decode(_ bytes: UnsafeRawBufferPointer, into batch: EventBatch) throws(StoreError) -> Trailer {
        var reader = ByteReader(bytes, subject: "leaf")
        let (flags, count, columns) = try readHead(&reader)
        guard columns <= batch.columnCount else {
            throw reader.corrupt("\(columns) columns where the history has \(batch.columnCount)")
        }
        let start = batch.appendRows(count)
        let range = start..<(start + count)
        try readDeltas(into: batch.times, range, &reader)
        try readDeltas(into: batch.arrivals, range, &reader)
        try readStreams(into: batch.streams, range, &reader)
        try readDeltas(into: batch.offsets, range, &reader)
        let hasNulls = try reader.read(UInt8.self) != 0
        let missing = EventBatch.missingColumns(from: columns)
        for row in range {
            batch.nulls[row] = (hasNulls ? try reader.readVarint() : 0) | missing
            batch.keys[row] = 0
        }
        for column in 0..<batch.columnCount { try read(column: column, into: batch, range, &reader) }
        var trailer = Trailer(hasMore: flags & hasMoreFlag != 0)
        if flags & hasBaseFlag != 0 { trailer.base = Array(try reader.readLengthPrefixed()) }
        try reader.expectEnd()
        return trailer
    }

    private static func readHead(_ reader: inout ByteReader) throws(StoreError) -> (
        flags: UInt8, events: Int, columns: Int
    ) {
        let version = try reader.read(UInt8.self)
        guard version == Self.version else {
            throw StoreError(.unknownFormat, "leaf version \(version); this build reads \(Self.version)")
        }
        let (flags, events) = (try reader.read(UInt8.self), try reader.readCount(itemBytes: 3))
        let columns = try reader.readVarint()
        guard columns <= UInt64(HistorySchema.columnsMax) else { throw reader.corrupt("\(columns) columns") }
        return (flags, events, Int(columns))
    }

    /// The event time of a leaf's oldest event, without decoding the rest; nil when it has none.
    static func firstTime(_ bytes: UnsafeRawBufferPointer) throws(StoreError) -> Int64? {
        var reader = ByteReader(bytes, subject: "leaf")
        return try readHead(&reader).events == 0 ? nil : try reader.readZigzag()
    }

    private static func readDeltas(
        into values: UnsafeMutablePointer<Int64>,
        _ range: Range<Int>,
        _ reader: inout ByteReader
    ) throws(StoreError) {
        var previous: Int64 = 0
        for row in range {
            previous = previous &+ (try reader.readZigzag())
            values[row] = previous
        }
    }

    private static func readStreams(
        into values: UnsafeMutablePointer<UInt64>,
        _ range: Range<Int>,
        _ reader: inout ByteReader
    ) throws(StoreError) {
        var distinct: [UInt64] = []
        for _ in 0..<(try reader.readCount(itemBytes: 8)) { distinct.append(try reader.read()) }
        guard !distinct.isEmpty || range.isEmpty else { throw reader.corrupt("no stream") }
        if distinct.count == 1 {
            (values + range.lowerBound).update(repeating: distinct[0], count: range.count)
            return
        }
        for row in range {
            let index = try reader.readVarint()
            guard index < distinct.count else { throw reader.corrupt("stream index \(index)") }
            values[row] = distinct[Int(index)]
        }
    }

    private static func read(
        column: Int,
        into batch: EventBatch,
        _ range: Range<Int>,
        _ reader: inout ByteReader
    ) throws(StoreError) {
        let (slots, nulls, bit) = (batch.column(column), batch.nulls, UInt64(1) << UInt64(column))
        let type = batch.types[column]
        var previous: Int64 = 0
        for row in range {
            guard nulls[row] & bit == 0 else {
                slots[row] = 0
                continue
            }
            switch type {
            case .int64, .timestamp:
                previous = previous &+ (try reader.readZigzag())
                slots[row] = UInt64(bitPattern: previous)
            case .float64: slots[row] = try reader.read()
            case .bool: slots[row] = UInt64(try reader.read(UInt8.self))
            case .string: slots[row] = batch.store(try reader.readLengthPrefixed())
            }
        }
    }
}
