// The everyday state of a column, as bytes: the head of `HistoryBase+Codec` draws them. Its strings stand in the entity's heap.

extension ColumnAccumulator {
    func write(
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

    mutating func read(
        from reader: inout StateReader,
        _ kind: ColumnKind,
        hasColumn: Bool,
        _ heap: inout StringHeap
    ) -> Bool {
        guard let number = reader.readNumber(), number <= HistoryBase.countMax else { return false }
        count = Int64(number)
        guard count > 0 else { return true }
        guard let oldest = reader.read(Int64.self), let newest = reader.read(Int64.self) else { return false }
        (oldestTime, newestTime) = (oldest, newest)
        guard hasColumn else { return true }
        switch kind {
        case .integer:
            guard let sum = reader.read(Int128.self), sum.magnitude <= UInt128(number) << 63 else { return false }
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
