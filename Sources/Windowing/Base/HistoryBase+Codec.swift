// A base as it stands in the entity's first leaf:
//
//   events varint | oldest time i64 | newest arrival i64 | last: time i64, stream u64, offset i64
//   columns varint, each:    column | events varint | when there are any: oldest, newest time i64 |
//                            integers: sum 16 bytes, min, max u64 | doubles: exact sum, min, max u64 | first, last
//   functions varint, each:  column | kind | state (`StoredStates`)
//   versions varint, each:   mask u64 | columns varint + 1, 0 when there is none |
//                            time i64, arrival i64, stream u64, offset i64, nulls u64 | per column that is not null: u64,
//                            each behind a byte: 0, or 1 for the bytes of a string
//
//   column     index varint + 1, 0 for none | kind u8 | mask u64 | parts u8
//   kind       tag u8 | parameters
//   first, last    u64, or the bytes of a string; absent where nothing is counted or the column is none

import FeatureModel

extension HistoryBase {
    /// - Parameters:
    ///   - heap: where string slots point.
    ///   - strings: a bit for each column of strings.
    func encoded(_ heap: StringHeap, strings: UInt64) -> [UInt8] {
        var writer = StateWriter()
        writer.append(count: count)
        writer.append(oldestTime)
        writer.append(newestArrival)
        writer.append(last.time)
        writer.append(last.stream)
        writer.append(last.offset)
        writer.append(count: columns.count)
        for entry in columns {
            entry.column.write(to: &writer)
            entry.state.write(to: &writer, entry.column.kind, hasColumn: entry.column.index != nil, heap)
        }
        writer.append(count: functions.count)
        for entry in functions {
            entry.column.write(to: &writer)
            entry.kind.write(to: &writer)
            entry.state.write(to: &writer, heap)
        }
        writer.append(count: versions.count)
        for version in versions {
            writer.append(version.mask)
            version.row.write(to: &writer, heap, strings: strings)
        }
        return writer.bytes
    }

    /// More events than this were never counted: sums of bases do not run over.
    static let countMax: UInt64 = 1 << 48

    /// nil when the bytes are no base. Strings are copied into `heap`.
    ///
    /// - Parameter strings: a bit for each column of strings.
    init?(_ bytes: UnsafeRawBufferPointer, _ heap: inout StringHeap, strings: UInt64) {
        var reader = StateReader(bytes)
        guard let count = reader.readNumber(), count > 0, count <= Self.countMax,
            let oldestTime = reader.read(Int64.self), let newestArrival = reader.read(Int64.self),
            let time = reader.read(Int64.self), let stream = reader.read(UInt64.self),
            let offset = reader.read(Int64.self), let columnCount = reader.readCount(itemBytes: 12)
        else { return nil }
        var columns: [Column] = []
        for _ in 0..<columnCount {
            guard let column = TileLayout.Column(from: &reader) else { return nil }
            var state = ColumnAccumulator()
            guard state.read(from: &reader, column.kind, hasColumn: column.index != nil, &heap) else { return nil }
            columns.append(Column(column: column, state: state))
        }
        guard let functionCount = reader.readCount(itemBytes: 12) else { return nil }
        var functions: [Function] = []
        for _ in 0..<functionCount {
            guard let column = TileLayout.Column(from: &reader), let kind = StateKind(from: &reader) else { return nil }
            var state = FunctionState(kind, column.kind)
            guard state.read(from: &reader, &heap) else { return nil }
            functions.append(Function(column: column, kind: kind, state: state))
        }
        guard let versionCount = reader.readCount(itemBytes: 9) else { return nil }
        var versions: [Version] = []
        var isWhole = true
        for _ in 0..<versionCount where isWhole {
            guard let mask = reader.read(UInt64.self), let row = EventLeaf(from: &reader, &heap, strings: strings)
            else {
                isWhole = false
                break
            }
            versions.append(Version(mask: mask, row: row))
        }
        guard isWhole, reader.remaining == 0 else {
            for index in versions.indices { versions[index].row.free() }
            return nil
        }
        self.init(columns: columns, functions: functions, versions: versions)
        self.count = Int64(count)
        self.oldestTime = oldestTime
        self.newestArrival = newestArrival
        last = EventOrder(time: time, stream: stream, offset: offset)
        measure()
    }
}

extension EventLeaf {
    /// The first event, or that there is none.
    fileprivate func write(to writer: inout StateWriter, _ heap: StringHeap, strings: UInt64) {
        writer.append(count: count == 0 ? 0 : Int(columnCount) + 1)
        guard count > 0 else { return }
        let order = order(at: 0)
        writer.append(order.time)
        writer.append(arrival(at: 0))
        writer.append(order.stream)
        writer.append(order.offset)
        let span = span(heap)
        writer.append(span.nulls[0])
        for column in 0..<Int(columnCount) where span.nulls[0] & nullBit(column) == 0 {
            let isString = strings & nullBit(column) != 0
            writer.append(isString ? UInt8(1) : 0)
            let slot = span.column(column)[0]
            if isString { writer.append(string: heap.string(slot)) } else { writer.append(slot) }
        }
    }

    fileprivate init?(from reader: inout StateReader, _ heap: inout StringHeap, strings: UInt64) {
        guard let number = reader.readNumber(), number <= 65 else { return nil }
        guard number > 0 else {
            self.init(columnCount: 0)
            return
        }
        guard let time = reader.read(Int64.self), let arrival = reader.read(Int64.self),
            let stream = reader.read(UInt64.self), let offset = reader.read(Int64.self),
            let nulls = reader.read(UInt64.self)
        else { return nil }
        var slots = [UInt64](repeating: 0, count: Int(number) - 1)
        for column in slots.indices where nulls & nullBit(column) == 0 {
            let isString = strings & nullBit(column) != 0
            guard let tag = reader.read(UInt8.self), tag == (isString ? 1 : 0) else { return nil }
            guard let slot = isString ? reader.readString().map({ heap.store($0) }) : reader.read(UInt64.self) else {
                return nil
            }
            slots[column] = slot
        }
        let order = EventOrder(time: time, stream: stream, offset: offset)
        self.init(order, arrival: arrival, nulls: nulls | EventBatch.missingColumns(from: slots.count), slots: slots)
    }
}
