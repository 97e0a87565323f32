// A base as it stands in the entity's first leaf:
//
//   events varint | oldest time i64 | newest arrival i64 | last: time i64, stream u64, offset i64
//   columns varint, each:    column | events varint | when there are any: oldest, newest time i64 |
//                            integers: sum 16 bytes, min, max u64 | doubles: exact sum, min, max u64 | first, last
//   functions varint, each:  column | kind | state (`StoredStates`)
//
//   column     index varint + 1, 0 for none | kind u8 | mask u64 | parts u8
//   kind       tag u8 | parameters
//   first, last    u64, or the bytes of a string; absent where nothing is counted or the column is none

import FeatureModel

extension HistoryBase {
    /// - Parameter heap: where string slots of the states point.
    func encoded(_ heap: StringHeap) -> [UInt8] {
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
        return writer.bytes
    }

    /// nil when the bytes are no base. Strings are copied into `heap`.
    init?(_ bytes: UnsafeRawBufferPointer, _ heap: inout StringHeap) {
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
        guard reader.remaining == 0 else { return nil }
        self.init(columns: columns, functions: functions)
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
