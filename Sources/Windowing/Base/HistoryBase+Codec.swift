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
            entry.state.write(to: &writer)
        }
        writer.append(count: versions.count)
        for version in versions {
            writer.append(version.mask)
            version.row.write(to: &writer, heap, strings: strings)
        }
        return writer.bytes
    }

    /// nil when the bytes are no base. Strings are copied into `heap`, and the bits of their columns set in `strings`.
    init?(_ bytes: UnsafeRawBufferPointer, _ heap: inout StringHeap, _ strings: inout UInt64) {
        var reader = StateReader(bytes)
        guard let count = reader.readNumber(), count > 0, count <= UInt64(Int64.max),
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
            guard state.read(from: &reader) else { return nil }
            functions.append(Function(column: column, kind: kind, state: state))
        }
        guard let versionCount = reader.readCount(itemBytes: 9) else { return nil }
        var versions: [Version] = []
        var isWhole = true
        for _ in 0..<versionCount where isWhole {
            guard let mask = reader.read(UInt64.self), let row = EventLeaf(from: &reader, &heap, &strings) else {
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
    }
}

extension TileLayout.Column {
    fileprivate func write(to writer: inout StateWriter) {
        writer.append(count: index.map { $0 + 1 } ?? 0)
        writer.append(kind.tag)
        writer.append(mask)
        writer.append(parts.rawValue)
    }

    fileprivate init?(from reader: inout StateReader) {
        guard let place = reader.readNumber(), place <= 64, let tag = reader.read(UInt8.self),
            let kind = ColumnKind(tag: tag), let mask = reader.read(UInt64.self), let parts = reader.read(UInt8.self)
        else { return nil }
        self.init(
            index: place == 0 ? nil : Int(place) - 1,
            kind: kind,
            mask: mask,
            parts: AccumulatorParts(rawValue: parts)
        )
    }
}

extension ColumnKind {
    fileprivate var tag: UInt8 {
        switch self {
        case .integer: 1
        case .double: 2
        case .flag: 3
        case .string: 4
        }
    }

    fileprivate init?(tag: UInt8) {
        switch tag {
        case 1: self = .integer
        case 2: self = .double
        case 3: self = .flag
        case 4: self = .string
        default: return nil
        }
    }
}

extension StateKind {
    fileprivate func write(to writer: inout StateWriter) {
        switch self {
        case .moments: writer.append(UInt8(1))
        case .hyperLogLog(let precision):
            writer.append(UInt8(2))
            writer.append(count: precision)
        case .quantiles(let accuracy):
            writer.append(UInt8(3))
            writer.append(accuracy.bitPattern)
        case .distinct(let most):
            writer.append(UInt8(4))
            writer.append(count: most)
        case .ends(let form, let limit):
            writer.append(UInt8(5))
            writer.append(form.rawValue)
            writer.append(count: limit)
        case .decayed(let halfLife, let weighsValues):
            writer.append(UInt8(6))
            writer.append(halfLife)
            writer.append(weighsValues ? UInt8(1) : 0)
        }
    }

    fileprivate init?(from reader: inout StateReader) {
        func number() -> Int? { reader.readNumber().flatMap { Int(exactly: $0) } }
        switch reader.read(UInt8.self) {
        case 1: self = .moments
        case 2:
            guard let precision = number() else { return nil }
            self = .hyperLogLog(precision: precision)
        case 3:
            guard let bits = reader.read(UInt64.self) else { return nil }
            self = .quantiles(accuracy: Double(bitPattern: bits))
        case 4:
            guard let most = number() else { return nil }
            self = .distinct(max: most)
        case 5:
            guard let form = reader.read(UInt8.self).flatMap(EndForm.init), let limit = number() else { return nil }
            self = .ends(form, limit: limit)
        case 6:
            guard let halfLife = reader.read(Int64.self), let weighs = reader.read(UInt8.self) else { return nil }
            self = .decayed(halfLife: halfLife, weighsValues: weighs != 0)
        default: return nil
        }
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

    fileprivate init?(from reader: inout StateReader, _ heap: inout StringHeap, _ strings: inout UInt64) {
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
            guard let tag = reader.read(UInt8.self), tag <= 1 else { return nil }
            if tag == 1 { strings |= nullBit(column) }
            guard let slot = tag == 1 ? reader.readString().map({ heap.store($0) }) : reader.read(UInt64.self) else {
                return nil
            }
            slots[column] = slot
        }
        let order = EventOrder(time: time, stream: stream, offset: offset)
        self.init(order, arrival: arrival, nulls: nulls | EventBatch.missingColumns(from: slots.count), slots: slots)
    }
}

extension ColumnAccumulator {
    fileprivate func write(
        to writer: inout StateWriter,
        _ kind: ColumnKind,
        hasColumn: Bool,
        _ heap: StringHeap
    ) {
        writer.append(count: count)
        guard count > 0 else { return }
        writer.append(oldestTime)
        writer.append(newestTime)
        guard hasColumn else { return }
        switch kind {
        case .integer: writer.append(integerSum)
        case .double: doubleSum.write(to: &writer)
        case .flag, .string: break
        }
        if kind == .integer || kind == .double {
            writer.append(minimum)
            writer.append(maximum)
        }
        for end in [first, last] {
            if kind == .string { writer.append(string: heap.string(end)) } else { writer.append(end) }
        }
    }

    fileprivate mutating func read(
        from reader: inout StateReader,
        _ kind: ColumnKind,
        hasColumn: Bool,
        _ heap: inout StringHeap
    ) -> Bool {
        guard let number = reader.readNumber(), number <= UInt64(Int64.max) else { return false }
        count = Int64(number)
        guard count > 0 else { return true }
        guard let oldest = reader.read(Int64.self), let newest = reader.read(Int64.self) else { return false }
        (oldestTime, newestTime) = (oldest, newest)
        guard hasColumn else { return true }
        switch kind {
        case .integer:
            guard let sum = reader.read(Int128.self) else { return false }
            integerSum = sum
        case .double: guard doubleSum.read(from: &reader) else { return false }
        case .flag, .string: break
        }
        if kind == .integer || kind == .double {
            guard let least = reader.read(UInt64.self), let most = reader.read(UInt64.self) else { return false }
            (minimum, maximum) = (least, most)
        }
        guard let first = Self.readEnd(from: &reader, kind, &heap), let last = Self.readEnd(from: &reader, kind, &heap)
        else { return false }
        (self.first, self.last) = (first, last)
        return true
    }

    private static func readEnd(from reader: inout StateReader, _ kind: ColumnKind, _ heap: inout StringHeap) -> UInt64?
    {
        guard kind == .string else { return reader.read(UInt64.self) }
        return reader.readString().map { heap.store($0) }
    }
}
