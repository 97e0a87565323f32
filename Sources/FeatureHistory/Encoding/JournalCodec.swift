// A journal row: all events of one commit, packed, as it stands in RocksDB until a fold has moved them to leaves.
//
//   version u8 | arrival i64 | histories varint
//   per history: id u32 | rows varint | columns varint | types: columns x u8 | event_id u8 | its mark u8
//     times rows x i64 | streams ARRAY | offsets ARRAY | nulls ARRAY | columns x ARRAY (slots)
//     keys KEYS | keyBytes length-prefixed | strings length-prefixed
//   ARRAY  form u8: 0: rows x u64; 1: one u64, of all rows
//   KEYS   form u8: 0: rows x u64; 1: a varint: the length of every key, which stand one behind the other
//
// event_id and its mark are columns; 255 both where the source names none. Version 1 has no forms: rows x u64 each.
//
// Plain arrays: a row is written on the commit path and read only after a restart, so it is copied, not coded. What is the
// same in all rows is often half of it: one stream, no nulls, keys of one integer.

import FeatureModel
import Windowing

enum JournalCodec {
    static let version: UInt8 = 2
    private static let plainVersion: UInt8 = 1
    private static let all: UInt8 = 0
    private static let one: UInt8 = 1
    private static let noColumn: UInt8 = 255

    static func encode(_ batches: [(history: UInt32, batch: EventBatch)], arrival: Int64) -> [UInt8] {
        var writer = ByteWriter()
        encode(batches, arrival: arrival, to: &writer)
        return writer.bytes
    }

    /// The same, to the end of what a writer holds.
    static func encode(
        _ batches: [(history: UInt32, batch: EventBatch)],
        arrival: Int64,
        to writer: inout ByteWriter
    ) {
        let byteCount = batches.reduce(0) { sum, one in
            let batch = one.batch
            return sum + batch.count * (5 + batch.columnCount) * 8 + batch.keyBytes.count + batch.strings.count + 300
        }
        writer.reserve(byteCount)
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
            append(batch.streams, count, to: &writer)
            append(UnsafeRawPointer(batch.offsets).assumingMemoryBound(to: UInt64.self), count, to: &writer)
            append(batch.nulls, count, to: &writer)
            for column in 0..<batch.columnCount { append(batch.column(column), count, to: &writer) }
            append(keys: batch.keys, count, to: &writer)
            writer.append(lengthPrefixed: batch.keyBytes)
            writer.append(lengthPrefixed: batch.strings)
        }
    }

    private static func append(_ values: UnsafePointer<UInt64>, _ count: Int, to writer: inout ByteWriter) {
        guard count > 0, !(1..<count).contains(where: { values[$0] != values[0] }) else {
            writer.append(all)
            return writer.append(array: values, byteCount: count * 8)
        }
        writer.append(one)
        writer.append(values[0])
    }

    private static func append(keys: UnsafePointer<UInt64>, _ count: Int, to writer: inout ByteWriter) {
        let length = count > 0 ? keys[0] & 0xffff_ffff : 0
        guard count > 0, !(0..<count).contains(where: { keys[$0] != evenKey($0, length) }) else {
            writer.append(all)
            return writer.append(array: keys, byteCount: count * 8)
        }
        writer.append(one)
        writer.append(varint: length)
    }

    /// The slot of a key where all have one length and stand one behind the other.
    @inline(__always)
    private static func evenKey(_ row: Int, _ length: UInt64) -> UInt64 { (UInt64(row) &* length) << 32 | length }

    static func decode(_ bytes: UnsafeRawBufferPointer) throws(StoreError) -> (
        arrival: Int64, batches: [(history: UInt32, batch: EventBatch)]
    ) {
        var reader = ByteReader(bytes, subject: "journal row")
        let version = try reader.read(UInt8.self)
        guard version == Self.version || version == plainVersion else {
            throw StoreError(.unknownFormat, "journal row version \(version); this build reads 1 to \(Self.version)")
        }
        let hasForms = version != plainVersion
        let arrival = try reader.read(Int64.self)
        var batches: [(history: UInt32, batch: EventBatch)] = []
        for _ in 0..<(try reader.readCount(itemBytes: 6)) {
            let history = try reader.read(UInt32.self)
            let count = try reader.readCount(itemBytes: hasForms ? 8 : 40)
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
            try read(into: batch.streams, count, hasForms, &reader)
            try read(
                into: UnsafeMutableRawPointer(batch.offsets).assumingMemoryBound(to: UInt64.self),
                count,
                hasForms,
                &reader
            )
            try read(into: batch.nulls, count, hasForms, &reader)
            for column in 0..<columns { try read(into: batch.column(column), count, hasForms, &reader) }
            try read(keys: batch.keys, count, hasForms, &reader)
            batch.keyBytes = Array(try reader.readLengthPrefixed())
            batch.strings = Array(try reader.readLengthPrefixed())
            try check(batch, reader)
            batches.append((history, batch))
        }
        try reader.expectEnd()
        return (arrival, batches)
    }

    private static func read(
        into values: UnsafeMutablePointer<UInt64>,
        _ count: Int,
        _ hasForms: Bool,
        _ reader: inout ByteReader
    ) throws(StoreError) {
        if hasForms, try isOne(&reader) {
            values.update(repeating: try reader.read(), count: count)
        } else {
            try copy(to: values, count, &reader)
        }
    }

    private static func read(
        keys: UnsafeMutablePointer<UInt64>,
        _ count: Int,
        _ hasForms: Bool,
        _ reader: inout ByteReader
    ) throws(StoreError) {
        if hasForms, try isOne(&reader) {
            let length = try reader.readVarint()
            guard length <= UInt64(EntityKey.byteCountMax) else { throw reader.corrupt("keys of \(length) bytes") }
            for row in 0..<count { keys[row] = evenKey(row, length) }
        } else {
            try copy(to: keys, count, &reader)
        }
    }

    private static func isOne(_ reader: inout ByteReader) throws(StoreError) -> Bool {
        let form = try reader.read(UInt8.self)
        guard form <= one else { throw reader.corrupt("an array of form \(form)") }
        return form == one
    }

    private static func copy(to target: UnsafeMutableRawPointer, _ count: Int, _ reader: inout ByteReader)
        throws(StoreError)
    {
        let source = try reader.readBytes(count * 8)
        if let base = source.baseAddress { target.copyMemory(from: base, byteCount: source.count) }
    }

    /// Every offset into the byte areas must lie inside them: they are followed without further checks.
    private static func check(_ batch: EventBatch, _ reader: ByteReader) throws(StoreError) {
        var keyEnd = 0
        for row in 0..<batch.count {
            guard isInside(batch.keys[row], batch.keyBytes.count) else {
                throw reader.corrupt("key outside the key bytes")
            }
            // One behind the other, as they were written: identities are put side by side at these places.
            let (start, length) = (Int(batch.keys[row] >> 32), Int(batch.keys[row] & 0xffff_ffff))
            guard start >= keyEnd else { throw reader.corrupt("keys that overlap") }
            keyEnd = start + length
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
