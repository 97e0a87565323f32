// A journal row: all events of one commit, packed, as it stands in RocksDB until a fold has moved them to leaves.
//
//   version u8 | arrival i64 | histories varint
//   per history: id u32 | rows varint | columns varint | types: columns x u8 | event_id u8 | its mark u8
//     times rows x i64 | streams rows x u64 | offsets rows x i64 | nulls rows x u64
//     columns x rows x u64 (slots) | keys rows x u64 | keyBytes length-prefixed | strings length-prefixed
//
// The last two are columns; 255 both where the source names no event_id.
//
// Plain arrays: a row is written on the commit path and read only after a restart, so it is copied, not coded.

import FeatureModel
import Windowing

enum JournalCodec {
    static let version: UInt8 = 1
    private static let noColumn: UInt8 = 255

    static func encode(_ batches: [(history: UInt32, batch: EventBatch)], arrival: Int64) -> [UInt8] {
        var writer = ByteWriter()
        let rows = batches.reduce(0) { $0 + $1.batch.count * (6 + $1.batch.columnCount) * 8 + $1.batch.keyBytes.count }
        writer.bytes.reserveCapacity(rows + 64)
        writer.append(version)
        writer.append(arrival)
        writer.append(varint: UInt64(batches.count))
        for (history, batch) in batches {
            let count = batch.count
            writer.append(history)
            writer.append(varint: UInt64(count))
            writer.append(varint: UInt64(batch.columnCount))
            for type in batch.types { writer.append(type.rawValue) }
            writer.append(batch.eventID.map { UInt8($0.id) } ?? noColumn)
            writer.append(batch.eventID.map { UInt8($0.mark) } ?? noColumn)
            writer.append(array: batch.times, byteCount: count * 8)
            writer.append(array: batch.streams, byteCount: count * 8)
            writer.append(array: batch.offsets, byteCount: count * 8)
            writer.append(array: batch.nulls, byteCount: count * 8)
            for column in 0..<batch.columnCount { writer.append(array: batch.column(column), byteCount: count * 8) }
            writer.append(array: batch.keys, byteCount: count * 8)
            writer.append(lengthPrefixed: batch.keyBytes)
            writer.append(lengthPrefixed: batch.strings)
        }
        return writer.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) throws(StoreError) -> (
        arrival: Int64, batches: [(history: UInt32, batch: EventBatch)]
    ) {
        var reader = ByteReader(bytes, subject: "journal row")
        let version = try reader.read(UInt8.self)
        guard version == Self.version else {
            throw StoreError(.unknownFormat, "journal row version \(version); this build reads \(Self.version)")
        }
        let arrival = try reader.read(Int64.self)
        var batches: [(history: UInt32, batch: EventBatch)] = []
        for _ in 0..<(try reader.readCount(itemBytes: 6)) {
            let history = try reader.read(UInt32.self)
            let count = try reader.readCount(itemBytes: 40)
            let columns = try reader.readCount(itemBytes: 1)
            guard columns <= HistorySchema.columnsMax else { throw reader.corrupt("\(columns) columns") }
            var types: [ValueType] = []
            for _ in 0..<columns {
                guard let type = ValueType(rawValue: try reader.read(UInt8.self)) else {
                    throw reader.corrupt("unknown column type")
                }
                types.append(type)
            }
            let (id, mark) = (try reader.read(UInt8.self), try reader.read(UInt8.self))
            var columnTypes = ColumnTypes(types)
            if id != noColumn || mark != noColumn {
                guard id < columns, mark < columns, types[Int(id)] == .string || types[Int(id)] == .int64,
                    types[Int(mark)] == .int64
                else { throw reader.corrupt("event_id in column \(id), its mark in \(mark)") }
                columnTypes.eventID = EventIDColumns(id: Int(id), mark: Int(mark))
            }
            let batch = EventBatch(types: columnTypes, capacity: count)
            _ = batch.appendRows(count)
            for row in 0..<count { batch.arrivals[row] = arrival }
            try copy(to: batch.times, count, &reader)
            try copy(to: batch.streams, count, &reader)
            try copy(to: batch.offsets, count, &reader)
            try copy(to: batch.nulls, count, &reader)
            for column in 0..<columns { try copy(to: batch.column(column), count, &reader) }
            try copy(to: batch.keys, count, &reader)
            batch.keyBytes = Array(try reader.readLengthPrefixed())
            batch.strings = Array(try reader.readLengthPrefixed())
            try check(batch, reader)
            batches.append((history, batch))
        }
        try reader.expectEnd()
        return (arrival, batches)
    }

    private static func copy(to target: UnsafeMutableRawPointer, _ count: Int, _ reader: inout ByteReader)
        throws(StoreError)
    {
        let source = try reader.readBytes(count * 8)
        if let base = source.baseAddress { target.copyMemory(from: base, byteCount: source.count) }
    }

    /// Every offset into the byte areas must lie inside them: they are followed without further checks.
    private static func check(_ batch: EventBatch, _ reader: ByteReader) throws(StoreError) {
        for row in 0..<batch.count {
            guard isInside(batch.keys[row], batch.keyBytes.count) else {
                throw reader.corrupt("key outside the key bytes")
            }
            for column in 0..<batch.columnCount where batch.types[column] == .string && !batch.isNull(column, row) {
                guard isInside(batch.column(column)[row], batch.strings.count) else {
                    throw reader.corrupt("string outside the strings")
                }
            }
        }
    }

    private static func isInside(_ slot: UInt64, _ count: Int) -> Bool {
        Int(slot >> 32) + Int(slot & 0xffff_ffff) <= count
    }
}
